-- Marsaglia's 64-bit xorshift, n times: the upper 53 bits. LuaJIT's integers of 64 bits are cdata, which
-- its compiler keeps in registers.
local bit = require "bit"
local bxor, lshift, rshift = bit.bxor, bit.lshift, bit.rshift

local x = 88172645463325252ULL
for _ = 1, tonumber(arg[1]) do
  x = bxor(x, lshift(x, 13))
  x = bxor(x, rshift(x, 7))
  x = bxor(x, lshift(x, 17))
end
print(string.format("%d", tonumber(rshift(x, 11))))
