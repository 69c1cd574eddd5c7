-- Result codes, and what a call may leave for the log and for the person.
local js = (...).js

return {
  --- BACKEND_RESULT_OK, BACKEND_RESULT_ERROR, BACKEND_RESULT_FAIL, BACKEND_RESULT_NOT_FOUND, BACKEND_RESULT_DENIED: integer -- What a backend function returns first.
  BACKEND_RESULT_OK = 0, BACKEND_RESULT_ERROR = 1, BACKEND_RESULT_FAIL = 1, BACKEND_RESULT_NOT_FOUND = 2, BACKEND_RESULT_DENIED = 3,
  --- FEATURE_TRIGGER_NO, FEATURE_TRIGGER_YES, FEATURES_ABORT_NO, FEATURES_ABORT_YES, FILTER_ACCEPT, FILTER_REJECT: boolean -- For scripts that are no backends; nothing here reads it.
  --- FEATURE_RESULT_OK, FEATURE_RESULT_FAIL, FILTER_RESULT_OK, FILTER_RESULT_FAIL, ACTION_RESULT_OK, ACTION_RESULT_FAIL: integer -- For scripts that are no backends; nothing here reads it.
  --- ENVIRONMENT_TRIGGER_NO, ENVIRONMENT_TRIGGER_YES, SUBJECT_ACCEPT, SUBJECT_REJECT: boolean -- For scripts that are no backends; nothing here reads it.
  --- ENVIRONMENT_RESULT_OK, ENVIRONMENT_RESULT_FAIL, SUBJECT_RESULT_OK, SUBJECT_RESULT_FAIL: integer -- For scripts that are no backends; nothing here reads it.
  FEATURE_TRIGGER_NO = false, FEATURE_TRIGGER_YES = true, FEATURES_ABORT_NO = false, FEATURES_ABORT_YES = true,
  FEATURE_RESULT_OK = 0, FEATURE_RESULT_FAIL = 1, FILTER_ACCEPT = false, FILTER_REJECT = true, FILTER_RESULT_OK = 0, FILTER_RESULT_FAIL = 1,
  ACTION_RESULT_OK = 0, ACTION_RESULT_FAIL = 1,
  ENVIRONMENT_TRIGGER_NO = false, ENVIRONMENT_TRIGGER_YES = true, ENVIRONMENT_RESULT_OK = 0, ENVIRONMENT_RESULT_FAIL = 1,
  SUBJECT_ACCEPT = false, SUBJECT_REJECT = true, SUBJECT_RESULT_OK = 0, SUBJECT_RESULT_FAIL = 1,
  --- custom_log_add(key: string, value: string|number|boolean): nil -- Stands in the log line of this call.
  custom_log_add = function(key, value) js.custom_log(tostring(key), tostring(value)) end,
  --- status_message_set(text: string): nil -- For DENIED; people see it with `login.show_backend_message`.
  status_message_set = function(text) js.status_message(tostring(text)) end,
}
