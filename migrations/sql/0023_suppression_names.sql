-- A person is known by their id in any case, as they are by their username.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create or replace function is_suppressed(
    of_platform text, of_id text, of_username text, wide boolean default true
)
returns boolean
language plpgsql stable parallel safe cost 5000
as $$
begin
    if exists (
        select from suppressions s
        where s.platform = of_platform
            and s.platform_id in (
                of_id, lower(of_id), of_username, lower(of_username), case when wide then '*' end
            )
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

create or replace function suppression_keys(of_platform text, of_id text, of_username text)
returns table (platform text, platform_id text)
language plpgsql immutable parallel safe rows 8
as $$
declare
    named text;
    host text;
begin
    return query
        select of_platform, spelled.name
        from (
            values (of_id), (lower(of_id)), (of_username), (lower(of_username)), ('*')
        ) as spelled (name)
        where spelled.name is not null
        group by spelled.name;
    return query values ('*', '*');
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
