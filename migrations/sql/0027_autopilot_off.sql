-- Why an autopilot went off by itself: what it would send was changed. A person who sets it clears it.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table campaigns add column autopilot_off_because text;
alter table campaigns add column autopilot_off_at timestamptz;
