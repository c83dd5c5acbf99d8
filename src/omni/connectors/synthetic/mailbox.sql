-- What the synthetic network remembers, in SQLite. Each world (seed and size) has its own rows.

-- name: schema
create table if not exists messages (
    id integer primary key autoincrement, world text not null, account text not null,
    name text not null, person text not null, body text not null, key text,
    calls integer not null default 1, sent_at real not null);
create unique index if not exists messages_by_key on messages (world, account, key);
create index if not exists messages_by_account on messages (world, account, id);
create table if not exists events (
    id integer primary key autoincrement, world text not null, account text not null,
    kind text not null, person text not null, body text, message text not null,
    due_at real not null, seq integer);
create index if not exists events_waiting on events (world, account, due_at) where seq is null;
create index if not exists events_told on events (world, account, seq) where seq is not null;
create table if not exists edits (
    world text not null, person integer not null, fields text not null,
    primary key (world, person));

-- name: count_call
update messages set calls = calls + 1
where world = :world and account = :account and key = :key
returning *;

-- name: add_message
insert into messages (world, account, name, person, body, key, sent_at)
values (:world, :account, :name, :person, :body, :key, :sent_at)
returning *;

-- name: add_event
insert into events (world, account, kind, person, body, message, due_at)
values (:world, :account, :kind, :person, :body, :message, :due_at);

-- name: last_place
select coalesce(max(seq), 0) from events
where world = :world and account = :account and seq is not null;

-- name: due_events
select id from events
where world = :world and account = :account and seq is null and due_at <= :now
order by due_at, id;

-- name: place_event
update events set seq = :seq where id = :id;

-- name: told_events
select * from events
where world = :world and account = :account and seq > :after
order by seq limit :limit;

-- name: sent_messages
select * from messages
where world = :world and account = :account and (:person is null or person = :person)
order by id desc limit :limit;

-- name: all_edits
select * from edits where world = :world;

-- name: put_edit
insert into edits values (:world, :person, :fields)
on conflict (world, person) do update set fields = excluded.fields;
