-- Every permutation of n things: the first tells how many of them to turn over, until it is the
-- smallest. Gives the sum of the turns with alternating signs, times 100, and the most turns.
local function fannkuch(n)
  local permutation, turned, left = {}, {}, {}
  local most, r, sum, sign = 0, n, 0, 1
  for i = 1, n do permutation[i] = i end
  while true do
    while r > 1 do
      left[r] = r
      r = r - 1
    end

    for i = 1, n do turned[i] = permutation[i] end
    local turns = 0
    local first = turned[1]
    while first ~= 1 do
      local low, high = 1, first
      while low < high do
        turned[low], turned[high] = turned[high], turned[low]
        low = low + 1
        high = high - 1
      end
      turns = turns + 1
      first = turned[1]
    end
    if turns > most then most = turns end
    sum = sum + sign * turns
    sign = -sign

    -- The next one: rotate the first two, or three when those two have come around, and so on.
    while true do
      if r == n then return sum * 100 + most end
      local front = permutation[1]
      for i = 1, r do permutation[i] = permutation[i + 1] end
      permutation[r + 1] = front
      left[r + 1] = left[r + 1] - 1
      if left[r + 1] > 0 then break end
      r = r + 1
    end
  end
end

print(string.format("%d", fannkuch(tonumber(arg[1]))))
