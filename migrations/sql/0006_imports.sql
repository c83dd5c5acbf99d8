-- Files of people that are taken in, and what was read of web pages.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table imports (
    id bigint generated always as identity primary key,
    name text not null,                       -- as its owner calls the file
    sha256 text not null,                     -- of its content, and its name in the data folder
    bytes bigint not null,
    shape jsonb not null,                     -- how it is read
    mapping jsonb not null,                   -- what its columns mean
    campaign_id bigint,
    job_id uuid,                              -- null: a draft
    rows bigint not null default 0,           -- looked at so far; where a killed run goes on
    added bigint not null default 0,
    changed bigint not null default 0,
    unchanged bigint not null default 0,
    left_alone bigint not null default 0,
    skipped bigint not null default 0,
    problems bigint not null default 0,
    created_at timestamptz not null default now(),
    finished_at timestamptz                   -- null until all of it is in
) with (fillfactor = 70);                     -- updated after each batch
create index imports_by_file on imports (sha256);

create table import_problems (
    import_id bigint not null references imports on delete cascade,
    number bigint not null,                   -- in the file's order, from 1
    row bigint not null,
    column_name text,                         -- null: the whole row
    what text not null,
    mend text not null,
    lost text not null check (lost in ('row', 'value')),
    primary key (import_id, number)
);

-- What web pages said, and by what their servers tell whether they still say it.
create table web_pages (
    url text primary key,
    etag text,
    last_modified text,
    reading jsonb not null,                   -- what was made of it, so that nobody has to read it again
    read_at timestamptz not null default now()
);
