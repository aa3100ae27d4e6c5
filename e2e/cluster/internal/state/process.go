package state

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Process names a process so that a later one with the same number is never taken for it.
type Process struct {
	Name  string `json:"name"`
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot, field 22 of /proc/PID/stat
	Boot  string `json:"boot"`  // the kernel's boot id: numbers and ticks repeat after a restart
}

// Identify looks a running process up.
func Identify(name string, pid int) (Process, error) {
	_, start, err := stat(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{Name: name, PID: pid, Start: start, Boot: boot()}, nil
}

// Alive tells whether this very process still runs (a zombie does not).
func (p Process) Alive() bool {
	if p.PID <= 0 || p.Boot != boot() {
		return false
	}
	status, start, err := stat(p.PID)
	return err == nil && start == p.Start && status != 'Z' && status != 'X'
}

// Signal sends a signal, if this very process still runs.
func (p Process) Signal(signal syscall.Signal) {
	if p.Alive() {
		_ = syscall.Kill(p.PID, signal)
	}
}

// Gone waits until the process has ended, at most for the given time.
func (p Process) Gone(limit time.Duration) bool {
	for end := time.Now().Add(limit); p.Alive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func boot() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(id))
}

func stat(pid int) (status byte, start uint64, err error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The second field is the name in brackets and may hold blanks and brackets itself.
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < 20 {
		return 0, 0, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	return fields[0][0], start, err
}
