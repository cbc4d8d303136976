-- players_page: SELECT player
-- The facts of the next players after one id, in ascending order of their ids' bytes.
select player, since, changed_at, version, format, answered, given, stats, goals
from player
where player > $1
order by player
limit $2;
