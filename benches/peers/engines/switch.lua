-- A stack machine whose program counts the steps of Collatz' rule for all numbers from n down to 2.
local floor = math.floor
local HALT, PUSH, LOAD, STORE, ADD, SUB, MUL, HALF, ODD, DUP, JUMP, JUMP_ZERO = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local I, X, STEPS = 1, 2, 3

-- An instruction and its operand, where it has one. Places count from 1.
local program = {
  --[[  1 ]] LOAD, I,
  --[[  3 ]] STORE, X,
  --[[  5 ]] LOAD, X,           -- while x - 1
  --[[  7 ]] PUSH, 1,
  --[[  9 ]] SUB,
  --[[ 10 ]] JUMP_ZERO, 39,
  --[[ 12 ]] LOAD, X,           -- if x is odd
  --[[ 14 ]] DUP,
  --[[ 15 ]] ODD,
  --[[ 16 ]] JUMP_ZERO, 26,
  --[[ 18 ]] PUSH, 3,           -- x = x * 3 + 1
  --[[ 20 ]] MUL,
  --[[ 21 ]] PUSH, 1,
  --[[ 23 ]] ADD,
  --[[ 24 ]] JUMP, 27,
  --[[ 26 ]] HALF,              -- else x = x / 2
  --[[ 27 ]] STORE, X,
  --[[ 29 ]] LOAD, STEPS,       -- steps = steps + 1
  --[[ 31 ]] PUSH, 1,
  --[[ 33 ]] ADD,
  --[[ 34 ]] STORE, STEPS,
  --[[ 36 ]] JUMP, 5,
  --[[ 38 ]] HALT,
  --[[ 39 ]] LOAD, I,           -- i = i - 1
  --[[ 41 ]] PUSH, 1,
  --[[ 43 ]] SUB,
  --[[ 44 ]] DUP,
  --[[ 45 ]] STORE, I,
  --[[ 47 ]] PUSH, 1,           -- until i - 1 is 0
  --[[ 49 ]] SUB,
  --[[ 50 ]] JUMP_ZERO, 38,
  --[[ 52 ]] JUMP, 1,
}

local function execute(code, variables)
  local stack, top, pc = {}, 0, 1
  while true do
    local op = code[pc]
    pc = pc + 1
    if op == PUSH then
      top = top + 1
      stack[top] = code[pc]
      pc = pc + 1
    elseif op == LOAD then
      top = top + 1
      stack[top] = variables[code[pc]]
      pc = pc + 1
    elseif op == STORE then
      variables[code[pc]] = stack[top]
      top = top - 1
      pc = pc + 1
    elseif op == ADD then
      top = top - 1
      stack[top] = stack[top] + stack[top + 1]
    elseif op == SUB then
      top = top - 1
      stack[top] = stack[top] - stack[top + 1]
    elseif op == JUMP_ZERO then
      if stack[top] == 0 then pc = code[pc] else pc = pc + 1 end
      top = top - 1
    elseif op == JUMP then
      pc = code[pc]
    elseif op == DUP then
      top = top + 1
      stack[top] = stack[top - 1]
    elseif op == ODD then
      stack[top] = stack[top] % 2
    elseif op == HALF then
      stack[top] = floor(stack[top] / 2)
    elseif op == MUL then
      top = top - 1
      stack[top] = stack[top] * stack[top + 1]
    elseif op == HALT then
      return
    else
      error("no such instruction")
    end
  end
end

local variables = { tonumber(arg[1]), 0, 0 }
execute(program, variables)
print(string.format("%d", variables[STEPS]))
