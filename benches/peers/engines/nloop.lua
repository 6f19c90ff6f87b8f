-- Calls math_add of a shared library n times, through LuaJIT's foreign functions. Lua 5.4 has none.
local ffi = require "ffi"
ffi.cdef "int math_add(int, int);"
local library = ffi.load(os.getenv "MATH_OPS")

local sum = 0
for _ = 1, tonumber(arg[1]) do sum = library.math_add(sum, 1) end
print(string.format("%d", sum))
