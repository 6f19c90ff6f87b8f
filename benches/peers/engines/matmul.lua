-- The product of two n by n matrices of small whole numbers: a sum of its elements with weights.
local n = tonumber(arg[1])

local a, b, c = {}, {}, {}
for i = 1, n do
  a[i], b[i], c[i] = {}, {}, {}
  for j = 1, n do
    a[i][j] = (3 * (i - 1) + j - 1) % 7 - 3.0
    b[i][j] = (5 * (i - 1) + j - 1) % 11 - 5.0
    c[i][j] = 0.0
  end
end

for i = 1, n do
  local row = c[i]
  for k = 1, n do
    local factor, from = a[i][k], b[k]
    for j = 1, n do row[j] = row[j] + factor * from[j] end
  end
end

local sum = 0.0
for i = 1, n do
  for j = 1, n do sum = sum + c[i][j] * (i - j) end
end
print(string.format("%d", sum))
