-- Which lists an attempt stands in, what each day saw, and what falls due. Begins every script that moves an attempt.
-- A list holds ids by the moment their attempts started. The lists of one value, like a subscriber, expire with it.
local ATTEMPT, GRANT, REVOKED = 'onboarding:attempt:', 'onboarding:grant:', 'onboarding:revoked:'
local LIST, DAY = 'onboarding:list:', 'onboarding:day:'
local DUE, TERMS = 'onboarding:due', 'onboarding:terms:'
local STANDINGS = {'started', 'granted', 'connected', 'cancelled', 'failed', 'expired', 'pending', 'waiting'}
local DAYS_KEPT, LONGEST_STAY = 40 * 86400, 40 * 86400
local FORGET_EARLY, SLACK = 60, 3600

local function now() return tonumber(redis.call('TIME')[1]) end

local function count(started_at, name, by)
    local day = DAY .. math.floor(started_at / 86400000)
    redis.call('HINCRBY', day, name, by)
    redis.call('EXPIRE', day, DAYS_KEPT)
end

-- Enters an attempt into the lists of its own values, or makes them last as long as it does.
local function enter(id, started_at, names, life, keep)
    for _, name in ipairs(names) do
        local list = LIST .. name
        redis.call('ZADD', list, started_at, id)
        redis.call('ZREMRANGEBYSCORE', list, '-inf', started_at - (keep + LONGEST_STAY) * 1000)
        if redis.call('TTL', list) < life + SLACK then redis.call('EXPIRE', list, life + SLACK) end
    end
end

local function leave(id, started_at, reason)
    for _, name in ipairs(STANDINGS) do redis.call('ZREM', LIST .. 'status:' .. name, id) end
    for _, each in ipairs({reason or '', 'timed_out'}) do
        if redis.call('ZREM', LIST .. 'reason:' .. each, id) == 1 then count(started_at, 'lost:' .. each, -1) end
    end
end

-- Where an attempt stands from now on. Until `due`, in seconds since 1970, that changes only when the attempt moves.
local function stand(id, started_at, was_reason, status, reason, waits, due)
    leave(id, started_at, was_reason)
    redis.call('ZADD', LIST .. 'all', started_at, id)
    redis.call('ZADD', LIST .. 'status:' .. status, started_at, id)
    if status == 'started' or status == 'granted' then redis.call('ZADD', LIST .. 'status:pending', started_at, id) end
    if waits then redis.call('ZADD', LIST .. 'status:waiting', started_at, id) end
    if reason and reason ~= '' then
        redis.call('ZADD', LIST .. 'reason:' .. reason, started_at, id)
        count(started_at, 'lost:' .. reason, 1)
    end
    redis.call('ZADD', DUE, due, id)
end

-- A newer decision settles what waited for a person: its grant is erased, and nobody has to look at it any more.
local function settle(id, detail, line)
    local reason, started_at, timeline = unpack(redis.call('HMGET', ATTEMPT .. id, 'reason', 'started_at', 'timeline'))
    redis.call('DEL', GRANT .. id)
    redis.call('HSET', ATTEMPT .. id, 'reason', 'superseded', 'detail', detail, 'timeline', timeline .. line)
    stand(id, started_at, reason, 'failed', 'superseded', false, now() + redis.call('TTL', ATTEMPT .. id) - FORGET_EARLY)
end

-- Terms gather in one set for a period and can be found for another one.
local function learn(terms, period)
    local set = TERMS .. math.floor(now() / period)
    for _, term in ipairs(terms) do redis.call('ZADD', set, 0, term) end
    if redis.call('TTL', set) == -1 then redis.call('EXPIRE', set, 2 * period + SLACK) end
end

