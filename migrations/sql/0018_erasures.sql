-- What is kept of somebody who was erased: a salted hash, which keeps them out for good.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table erasure_salt (
    one boolean primary key default true check (one),  -- a single row
    salt bytea not null
);
insert into erasure_salt (salt)
values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

create table erased_people (
    hash text primary key,                    -- person_hash of who was erased
    erased_at timestamptz not null
);

create table erasures (
    id uuid primary key,
    hash text not null,
    state text not null default 'open' check (state in ('open', 'done')),
    target jsonb,                             -- whom, and by which names; null once they are erased
    after_xid xid8 not null,                  -- older transactions may not know of it yet
    removed jsonb not null default '{}',      -- how many rows, files or lines, by where they were
    mentions jsonb not null default '{}',     -- what names them and is not theirs: for a person to look at
    waits_for text,                           -- why it does not go on at this moment
    job_id uuid,                              -- the newest job that does it
    asked_at timestamptz not null,
    finished_at timestamptz
);
create index erasures_by_age on erasures (asked_at desc, id desc);
create index erasures_open on erasures (hash) where state = 'open';

-- The one way to the hash, for SQL and for the triggers below.
create function person_hash(platform text, platform_id text) returns text
language sql stable
as $$
    select encode(sha256(s.salt || convert_to(platform || chr(10) || platform_id, 'UTF8')), 'hex')
    from erasure_salt s
$$;

-- Nobody who was erased is written down again, by whatever way: a row that names them is not inserted.
-- It looks with a snapshot of its own, so that it knows of an erasure that was committed since the
-- statement began.
create function refuse_erased() returns trigger
language plpgsql
as $$
begin
    if exists (
        select from erasure_salt s
        join erased_people e on e.hash = encode(
            sha256(s.salt || convert_to(new.platform || chr(10) || new.platform_id, 'UTF8')), 'hex'
        )
        where exists (select from erased_people)  -- spares the hash where nobody was erased
    ) then
        return null;
    end if;
    return new;
end
$$;

create function refuse_erased_page() returns trigger
language plpgsql
as $$
begin
    if exists (select from erased_people e where e.hash = person_hash('web', new.url)) then
        return null;
    end if;
    return new;
end
$$;

create trigger refuse_erased before insert on profiles_raw
    for each row execute function refuse_erased();
create trigger refuse_erased before insert on suppressions
    for each row execute function refuse_erased();
create trigger refuse_erased before insert on messages
    for each row execute function refuse_erased();
create trigger refuse_erased before insert on feedback_events
    for each row execute function refuse_erased();
create trigger refuse_erased before insert on web_pages
    for each row execute function refuse_erased_page();
