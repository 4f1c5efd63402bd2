"""What Applications may do for a User: seen, ended and warned of by that User."""
