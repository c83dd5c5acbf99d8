-- owns:
-- reads: campaigns

-- name: name_campaigns
-- No index: reads the campaigns once. Their words are their makers', so that they are only counted.
select count(*)::int from campaigns c
where c.name ~* :pattern or c.brief ~* :pattern or c.message_template ~* :pattern
   or c.criteria::text ~* :pattern or c.follow_ups::text ~* :pattern;
