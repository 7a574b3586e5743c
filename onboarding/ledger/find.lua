-- A page of the attempts that stand in every one of some lists, newest first. Looks at a bounded number of them.
-- KEYS: the lists. ARGV: id and start of the last attempt seen ('' and ''), earliest and latest start, most, most to look at.
-- Answers the id and start to go on after ('' at the end), how many there are ('' if uncounted), and each attempt as id and hash.
local after, after_start, earliest, latest, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local shortest, size = nil, nil
for number, list in ipairs(KEYS) do
    local length = redis.call('ZCARD', list)
    if not size or length < size then shortest, size = number, length end
end
local walked = KEYS[shortest]

local first = redis.call('ZCOUNT', walked, '(' .. latest, '+inf')
if after ~= '' then
    local rank = redis.call('ZREVRANK', walked, after)
    first = math.max(first, rank and rank + 1 or redis.call('ZCOUNT', walked, after_start, '+inf'))
end
local last = redis.call('ZCOUNT', walked, earliest, '+inf') - 1
local total = #KEYS == 1 and redis.call('ZCOUNT', walked, earliest, latest) or ''

local function is_in_all(id)
    for number, list in ipairs(KEYS) do
        if number ~= shortest and not redis.call('ZSCORE', list, id) then return false end
    end
    return true
end

local found, gone, seen, start, at = {}, {}, '', '', first
local stop = math.min(last, first + tonumber(ARGV[6]) - 1)
while at <= stop and #found < most do
    local row = redis.call('ZREVRANGE', walked, at, math.min(at + most, stop), 'WITHSCORES')
    for number = 1, #row, 2 do
        if #found == most then break end
        at, seen, start = at + 1, row[number], row[number + 1]
        if is_in_all(seen) then
            local attempt = redis.call('HGETALL', ATTEMPT .. seen)
            table.insert(#attempt > 0 and found or gone, #attempt > 0 and {seen, attempt} or seen)
        end
    end
end
-- Whose record went before anybody noticed is no longer listed.
for _, id in ipairs(gone) do
    for _, list in ipairs(KEYS) do redis.call('ZREM', list, id) end
end
if at > last then seen, start = '', '' end
return {seen, start, total, found}
