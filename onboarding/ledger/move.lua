-- Moves an attempt on, together with all that belongs to the step. Answers 1, or 0 where the step is not allowed.
-- KEYS: attempt, its sealed grant, its owner's lease, connection and newest grant, undelivered, sequence,
-- those of its owner that wait for a person and those that were connected, whose the link's connection identifier is.
-- ARGV: attempt id, the step as JSON, as `steps.Step` writes it.
local step = cjson.decode(ARGV[2])
local id = ARGV[1]
local status, reason, started_at, lists = unpack(redis.call('HMGET', KEYS[1], 'status', 'reason', 'started_at', 'lists'))
local allowed = false
for _, from in ipairs(step.from) do allowed = allowed or from == status end
if step.needs_grant and redis.call('EXISTS', KEYS[2]) == 0 then allowed = false end
if step.lease and redis.call('GET', KEYS[3]) == step.lease then redis.call('DEL', KEYS[3]) end
if not allowed then return 0 end

redis.call('HSET', KEYS[1], 'timeline', redis.call('HGET', KEYS[1], 'timeline') .. step.event)
for name, value in pairs(step.fields) do redis.call('HSET', KEYS[1], name, value) end
for _, name in ipairs(step.counts) do redis.call('HINCRBY', KEYS[1], name, 1) end
redis.call('EXPIRE', KEYS[1], step.life)

local is_first_grant = (step.sealed or step.connection) and redis.call('HEXISTS', KEYS[1], 'sequence') == 0
if step.sealed then
    redis.call('SET', KEYS[2], step.sealed, 'EX', step.grant_life)
    if is_first_grant then
        redis.call('HSET', KEYS[1], 'sequence', redis.call('INCR', KEYS[7]))
        redis.call('SET', KEYS[5], id, 'EX', step.grant_life)
    end
elseif step.grant_life > 0 then redis.call('EXPIRE', KEYS[2], step.grant_life)
else redis.call('DEL', KEYS[2]) end

if step.due_in then
    local time = redis.call('TIME')
    local next_try = time[1] * 1000 + math.floor(time[2] / 1000) + step.wait
    redis.call('HSET', KEYS[1], 'next_try_at', string.format('%.0f', next_try))
    redis.call('ZADD', KEYS[6], time[1] + step.due_in, id)
else redis.call('ZREM', KEYS[6], id) end

if step.connection then
    local sequence = redis.call('HGET', KEYS[1], 'sequence') or redis.call('INCR', KEYS[7])
    local delivered = redis.call('HGET', KEYS[4], 'sequence')
    if not delivered or tonumber(delivered) <= tonumber(sequence) then
        -- What failed for the same owner and waited for a person is over too.
        for _, older in ipairs(redis.call('SMEMBERS', KEYS[8])) do
            local its_status, its_sequence = unpack(redis.call('HMGET', ATTEMPT .. older, 'status', 'sequence'))
            if its_status == 'failed' and tonumber(its_sequence) < tonumber(sequence) then
                redis.call('SREM', KEYS[8], older)
                settle(older, '', step.superseded)
            end
        end
        redis.call('HSET', KEYS[4], 'sequence', sequence, unpack(step.connection))
        redis.call('EXPIRE', KEYS[4], step.connection_life)
        redis.call('SADD', KEYS[9], id)
        redis.call('EXPIRE', KEYS[9], step.connection_life)
        redis.call('SET', KEYS[10], string.match(KEYS[4], '[^:]+$'), 'EX', step.connection_life)
    end
end

local waits = step.fields.status == 'failed' and step.grant_life > 0
if waits then
    redis.call('SADD', KEYS[8], id)
    redis.call('EXPIRE', KEYS[8], step.grant_life)
else redis.call('SREM', KEYS[8], id) end
enter(id, started_at, cjson.decode(lists or '[]'), step.life, step.life)
enter(id, started_at, step.lists, step.life, step.life)
stand(id, started_at, reason, step.fields.status or status, step.fields.reason, waits,
    now() + math.min(waits and step.grant_life or step.life, step.life - FORGET_EARLY))
if is_first_grant then count(started_at, 'granted', 1) end
if step.connection then count(started_at, 'connected', 1) end
learn(step.terms, step.period)
return 1
