-- People who have written to one of our accounts, whether or not anybody had written to them before.
-- None of them gets a message that nobody has written for them.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table correspondents (
    platform text not null,
    platform_id text not null,
    since timestamptz not null,
    primary key (platform, platform_id)
);

insert into correspondents (platform, platform_id, since)
select platform, platform_id, min(occurred_at)
from feedback_events
where kind in ('replied', 'interested', 'not_interested', 'opt_out')
group by platform, platform_id;

create trigger refuse_erased before insert on correspondents
    for each row execute function refuse_erased();
