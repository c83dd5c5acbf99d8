-- What a judge is shown of a person, pictures included.
--
-- A judge that sees says so in its name, which ends in `+images1` to `+images3`: so many of the person's
-- pictures are shown to it. What was shown is the view's hash, followed by `+` and the SHA-256 of each
-- picture; for all other judges it is the view's hash alone. Nothing is stored for it, so that it is
-- never out of date.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- The first pictures that are held of a person, by the primary key of images.
create function pictures_shown(of_profile bigint, most int)
returns text
language sql stable parallel safe
as $$
    select coalesce(string_agg('+' || p.sha256, '' order by p.position), '')
    from (
        select i.sha256, i.position
        from images i
        where i.profile_id = of_profile
        order by i.position
        limit most
    ) p
$$;

-- An expression, so that Postgres writes it into the query that uses it: a judge that reads text alone
-- costs no call.
create function view_shown(of_profile bigint, of_view_hash text, of_model text)
returns text
language sql stable parallel safe
as $$
    select case
        when of_model ~ '\+images[1-3]$' then
            of_view_hash || pictures_shown(of_profile, right(of_model, 1)::int)
        else of_view_hash
    end
$$;
