-- Moves an attempt on, together with all that belongs to the step. Answers 1, or 0 where the step is not allowed.
-- KEYS: attempt, its sealed grant, its owner's connection. ARGV: the step as JSON, as `store.Step` writes it.
local step = cjson.decode(ARGV[1])
local status = redis.call('HGET', KEYS[1], 'status')
local allowed = false
for _, from in ipairs(step.from) do allowed = allowed or from == status end
if not allowed then return 0 end

redis.call('HSET', KEYS[1], 'timeline', redis.call('HGET', KEYS[1], 'timeline') .. step.event)
for name, value in pairs(step.fields) do redis.call('HSET', KEYS[1], name, value) end
redis.call('EXPIRE', KEYS[1], step.life)

if step.grant == 'seal' then redis.call('SET', KEYS[2], step.sealed, 'EX', step.grant_life)
elseif step.grant == 'keep' then redis.call('EXPIRE', KEYS[2], step.grant_life)
else redis.call('DEL', KEYS[2]) end

if step.connection then redis.call('SET', KEYS[3], step.connection, 'EX', step.life) end
return 1
