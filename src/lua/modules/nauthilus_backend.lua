-- Its functions belong to filters; in a backend there are none.
return {}
