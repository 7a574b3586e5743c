-- Gives a grant to the one delivery that may carry it now, for as long as the lease lasts.
-- KEYS: attempt, its sealed grant, its owner's lease, its owner's connection. ARGV: lease token, lease in ms.
-- Answers a word; with 'taken', 'superseded' and 'lost' come the sealed grant and the attempt, with 'busy' the ms left.
local status, sequence, next_try = unpack(redis.call('HMGET', KEYS[1], 'status', 'sequence', 'next_try_at'))
if status ~= 'granted' then return {'settled'} end
local time = redis.call('TIME')
if next_try and tonumber(next_try) > time[1] * 1000 + time[2] / 1000 then return {'early'} end
if not redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'busy', redis.call('PTTL', KEYS[3])} end

local sealed = redis.call('GET', KEYS[2])
local attempt = redis.call('HGETALL', KEYS[1])
if not sealed then return {'lost', '', unpack(attempt)} end
local delivered = redis.call('HGET', KEYS[4], 'sequence')
local word = delivered and tonumber(delivered) > tonumber(sequence) and 'superseded' or 'taken'
return {word, sealed, unpack(attempt)}
