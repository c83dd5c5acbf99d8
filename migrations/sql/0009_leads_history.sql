-- What became of leads, and verdicts that came after a person's decision.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- A verdict that came after a person had decided, or a message had gone out: it changes nothing by
-- itself, and is shown.
alter table leads add column later_score_id bigint;
alter table leads add column later_score double precision;
alter table leads add column later_qualified boolean;

-- One row for each change of a lead, written in the statement that changes it.
create table lead_changes (
    id bigint generated always as identity primary key,
    lead_id bigint not null references leads on delete cascade,
    cause text not null,                      -- verdict, withdrawal, decision, message, reply, later
    old_state text,                           -- null: it became a lead
    new_state text not null,
    old_score double precision,
    new_score double precision not null,      -- of `later`: the verdict that changes nothing
    changed_at timestamptz not null default now()
);
create index lead_changes_by_lead on lead_changes (lead_id, id);
