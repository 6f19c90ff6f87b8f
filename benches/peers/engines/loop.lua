-- Marsaglia's 64-bit xorshift, n times: the upper 53 bits. Lua 5.4 has integers of 64 bits; for LuaJIT
-- there is loop.luajit.lua.
local x = 88172645463325252
for _ = 1, tonumber(arg[1]) do
  x = x ~ x << 13
  x = x ~ x >> 7
  x = x ~ x << 17
end
print(string.format("%d", x >> 11))
