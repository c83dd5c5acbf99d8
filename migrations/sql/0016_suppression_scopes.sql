-- Suppressions of whole domains, platforms and everybody, beside those of persons; and their lifting.
--
-- A suppression is a pair (platform, platform_id), as before, so that one unique index answers for
-- all of them:
--   person    (platform, immutable id or username)
--   domain    ('*', domain): it and every domain below it
--   platform  (platform, '*')
--   all       ('*', '*')

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- Virtual: computed when it is read, so that the table is not rewritten.
-- squawk-ignore adding-field-with-default
alter table suppressions add column scope text generated always as (
    case
        when platform_id = '*' and platform = '*' then 'all'
        when platform_id = '*' then 'platform'
        when platform = '*' then 'domain'
        else 'person'
    end
) virtual;

-- The few that concern more than one person, for the page that lists them.
-- Writers wait while it is made, a moment for a million rows.
-- squawk-ignore require-concurrent-index-creation
create index suppressions_wide on suppressions (id desc) where platform = '*' or platform_id = '*';

-- What was lifted: only a person does, and says why.
create table suppression_lifts (
    id bigint generated always as identity primary key,
    platform text not null,
    platform_id text not null,
    reason text not null,                     -- why it stood
    source text not null,
    suppressed_at timestamptz not null,
    lifted_because text not null,
    lifted_at timestamptz not null
);
create index suppression_lifts_by_person on suppression_lifts (platform, platform_id);

-- Every pair under which a person may be suppressed. The domain is that of the immutable id (an
-- account's URL, the server of an mxid, a did:web, an address) and that of the username (after its
-- last @, or all of it where it is a domain itself, as on Bluesky).
create function suppression_keys(of_platform text, of_id text, of_username text)
returns table (platform text, platform_id text)
language plpgsql immutable parallel safe rows 8
as $$
declare
    named text;
    host text;
begin
    return query values
        (of_platform, of_id), (of_platform, '*'), ('*', '*');
    if of_username is not null and of_username <> of_id then
        return query values (of_platform, of_username);
        if lower(of_username) <> of_username then
            return query values (of_platform, lower(of_username));
        end if;
    end if;
    foreach named in array array[left(of_id, 600), left(of_username, 600)] loop
        host := lower(coalesce(
            (regexp_match(named, '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/:?#]+)', 'i'))[1],
            (regexp_match(named, '^did:web:([^:%]+)', 'i'))[1],
            (regexp_match(named, '^@[^:]+:([^:/]+)'))[1],
            (regexp_match(named, '@([^@:/]+)$'))[1],
            (regexp_match(named, '^([^@:/\s]+\.[^@:/\s]+)$'))[1]
        ));
        while strpos(host, '.') > 0 loop
            return query values ('*', rtrim(host, '.'));
            host := substr(host, strpos(host, '.') + 1);
        end loop;
    end loop;
end
$$;

-- Whether somebody must not be written to: what every query asks that chooses or sends.
--
--     where not is_suppressed(m.platform, m.platform_id, m.username)
--
-- With `wide` false only suppressions of the person and of their domain count: those of a platform
-- and of all stop messages, and nobody is left out of reading for them. A few probes of the unique
-- index (platform, platform_id); the domains are taken apart only where some domain is suppressed. Its
-- cost is set so that a query asks it last.
create function is_suppressed(
    of_platform text, of_id text, of_username text, wide boolean default true
)
returns boolean
language plpgsql stable parallel safe cost 5000
as $$
begin
    if exists (
        select from suppressions s
        where s.platform = of_platform
            and s.platform_id in (of_id, of_username, lower(of_username), case when wide then '*' end)
    ) then
        return true;
    end if;
    if not exists (select from suppressions s where s.platform = '*') then
        return false;
    end if;
    return exists (
        select from suppression_keys(of_platform, of_id, of_username) k
        join suppressions s on s.platform = k.platform and s.platform_id = k.platform_id
        where s.platform = '*' and (wide or s.platform_id <> '*')
    );
end
$$;
