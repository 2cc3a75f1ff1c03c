-- Health of an OAuthCredential for Argo CD: what kstatus says of it, with two words more. Suspended is what kstatus has
-- no word for, and Degraded is also a credential whose token ended while its refresh is still being tried.
local status = obj.status or {}

local function condition(type)
  for _, each in ipairs(status.conditions or {}) do
    if each.type == type then
      return each
    end
  end
  return nil
end

local function is(type, value)
  local found = condition(type)
  return found ~= nil and found.status == value
end

local ready = condition("Ready")
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return {
    status = "Progressing",
    message = "The operator has not acted on this spec yet. If it stays so, see whether it runs, and whether it serves this namespace.",
  }
end

if obj.spec.suspend then
  return { status = "Suspended", message = ready.message .. " It goes on when spec.suspend is taken back." }
end

-- While a human must act, Ready gives the reason and the remedy, and says until when the token lasts.
if is("Stalled", "True") then
  return { status = "Degraded", message = ready.reason .. ": " .. ready.message }
end

if ready.reason == "TokenExpired" then
  return { status = "Degraded", message = ready.reason .. ": " .. ready.message }
end

if is("Reconciling", "True") or ready.status ~= "True" then
  local message = ready.message
  local reconciling = condition("Reconciling")
  -- RefreshFailed tells the failure already.
  if reconciling ~= nil and ready.reason ~= "RefreshFailed" then
    message = message .. " " .. reconciling.message
  end
  return { status = "Progressing", message = ready.reason .. ": " .. message }
end

local message = ready.message
local function warn(type, value)
  if is(type, value) then
    message = message .. " " .. type .. " " .. value .. ": " .. condition(type).message
  end
end
if is("RefreshTokenPersisted", "False") and condition("RefreshTokenPersisted").reason ~= "WritePaced" then
  warn("RefreshTokenPersisted", "False")
end
warn("RefreshTokenExpiring", "True")
warn("PreviousTokenKept", "False")
warn("ConsumersNotified", "False")
warn("ConsumersUpdatable", "False")
return { status = "Healthy", message = message }
