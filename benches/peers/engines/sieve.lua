-- The sieve of Eratosthenes over a table, again and again: how many primes it finds in all.
local LIMIT = 500000
local composite = {}

local function sieve()
  local primes = 0
  for n = 1, LIMIT do composite[n] = false end
  for n = 2, LIMIT - 1 do
    if not composite[n] then
      primes = primes + 1
      for multiple = n * n, LIMIT - 1, n do composite[multiple] = true end
    end
  end
  return primes
end

local primes = 0
for _ = 1, tonumber(arg[1]) do primes = primes + sieve() end
print(string.format("%d", primes))
