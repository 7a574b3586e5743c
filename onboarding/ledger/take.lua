-- Gives a grant to the one delivery that may carry it now, for as long as the lease lasts.
-- KEYS: attempt, its sealed grant, its owner's lease, connection and newest grant.
-- ARGV: attempt id, lease token, lease in ms, what attempts' keys begin with.
-- Answers a word; with 'busy' come the ms left, with every word but 'settled' and 'early' the sealed grant and the attempt.
local status, sequence, next_try = unpack(redis.call('HMGET', KEYS[1], 'status', 'sequence', 'next_try_at'))
if status ~= 'granted' then return {'settled'} end
local time = redis.call('TIME')
if next_try and tonumber(next_try) > time[1] * 1000 + time[2] / 1000 then return {'early'} end
if not redis.call('SET', KEYS[3], ARGV[2], 'NX', 'PX', ARGV[3]) then return {'busy', redis.call('PTTL', KEYS[3])} end

local function answer(word) return {word, redis.call('GET', KEYS[2]) or '', unpack(redis.call('HGETALL', KEYS[1]))} end
if redis.call('EXISTS', KEYS[2]) == 0 then return answer('lost') end
local delivered = redis.call('HGET', KEYS[4], 'sequence')
if delivered and tonumber(delivered) > tonumber(sequence) then
    return answer(redis.call('HEXISTS', KEYS[4], 'attempt') == 1 and 'superseded' or 'disconnected')
end
local newest = redis.call('GET', KEYS[5])
if newest and newest ~= ARGV[1] then
    -- A newer grant may be at Novu already without anybody knowing: it goes first, or Novu could end up with ours.
    local its_status, its_sequence = unpack(redis.call('HMGET', ARGV[4] .. newest, 'status', 'sequence'))
    if its_status == 'granted' and tonumber(its_sequence) > tonumber(sequence) then return answer('behind') end
end
return answer('taken')
