"""Generated columns and rules, judged by sfctl and by the real peers, compared one by one."""
