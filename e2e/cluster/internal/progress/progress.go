// Package progress writes one line per step, with the seconds since the start.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Lines writes progress; its methods may be called from several goroutines.
type Lines struct {
	start time.Time
	mu    sync.Mutex
	out   []sink
}

type sink struct {
	w      io.Writer
	colour bool
}

// New writes to a file; colours are used only where it is a terminal and NO_COLOR is unset.
func New(file *os.File) *Lines {
	return &Lines{start: time.Now(), out: []sink{{w: file, colour: terminal(file)}}}
}

// Also adds a second writer, never coloured.
func (l *Lines) Also(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, sink{w: w})
}

// Elapsed is the time since New.
func (l *Lines) Elapsed() time.Duration { return time.Since(l.start) }

// Say writes a line. Writers that are gone (a caller that crashed) are no error: the work matters more.
func (l *Lines) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := fmt.Sprintf("%6.1fs", time.Since(l.start).Seconds())
	text := fmt.Sprintf(format, args...)
	for _, s := range l.out {
		if s.colour {
			_, _ = fmt.Fprintf(s.w, "\x1b[2m%s\x1b[0m  %s\n", seconds, text)
		} else {
			_, _ = fmt.Fprintf(s.w, "%s  %s\n", seconds, text)
		}
	}
}

func terminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
