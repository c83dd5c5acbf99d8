-- The log of each crawl that has not ended: from it, a run goes on where the run before was stopped.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table crawl_steps (
    job_id uuid not null,
    position int not null,
    entry bytea not null,                     -- msgpack of omni.crawl.types.Entry
    written_at timestamptz not null,
    primary key (job_id, position)            -- two runs of a job cannot both write the next entry
);
