// Package remedy is an error that also says what to do about it.
package remedy

import "fmt"

// Error is a failure that the user can do something about.
type Error struct {
	What string // what is wrong, lower case
	Do   string // the next step, as a command where there is one
}

func (e *Error) Error() string { return fmt.Sprintf("%s\n  what to do: %s", e.What, e.Do) }

// New makes an Error.
func New(do, format string, args ...any) error {
	return &Error{What: fmt.Sprintf(format, args...), Do: do}
}
