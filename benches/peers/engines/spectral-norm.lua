-- The spectral norm of an infinite matrix, as far as n rows and columns tell: in units of 10^-9.
local n = tonumber(arg[1])

local function element(i, j)
  local diagonal = i + j
  return 1.0 / (diagonal * (diagonal + 1) * 0.5 + i + 1)
end

local function multiply(from, to)
  for i = 0, n - 1 do
    local sum = 0.0
    for j = 0, n - 1 do sum = sum + element(i, j) * from[j + 1] end
    to[i + 1] = sum
  end
end

local function multiply_transposed(from, to)
  for i = 0, n - 1 do
    local sum = 0.0
    for j = 0, n - 1 do sum = sum + element(j, i) * from[j + 1] end
    to[i + 1] = sum
  end
end

local between = {}

local function multiply_both(from, to)
  multiply(from, between)
  multiply_transposed(between, to)
end

local u, v = {}, {}
for i = 1, n do u[i] = 1.0 end
for _ = 1, 10 do
  multiply_both(u, v)
  multiply_both(v, u)
end
local uv, vv = 0.0, 0.0
for i = 1, n do
  uv = uv + u[i] * v[i]
  vv = vv + v[i] * v[i]
end
print(string.format("%d", math.floor(math.sqrt(uv / vv) * 1e9)))
