-- Gives a state to the one callback that may redeem its code: once, and only in the browser that started it.
-- KEYS: state. ARGV: browser hash, seconds to remember the claim, what it came with.
local held = redis.call('GET', KEYS[1])
if not held then return 'unknown' end
if held == ARGV[1] then
    redis.call('SET', KEYS[1], 'claimed:' .. held .. ':' .. ARGV[3], 'EX', ARGV[2])
    return 'claimed'
end
local ours = 'claimed:' .. ARGV[1] .. ':'
return string.sub(held, 1, #ours) == ours and 'already_claimed' or 'other_browser'
