package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// longestLine is more than any line needs: a send of 16 MiB in hexadecimal.
const longestLine = 64 << 20

// lines are what the tester and this agent say to each other.
type lines struct {
	in  *bufio.Reader
	out *bufio.Writer
}

func newLines() *lines {
	return &lines{in: bufio.NewReaderSize(descriptor(0), 256<<10), out: bufio.NewWriterSize(descriptor(1), 256<<10)}
}

// read is the next line, without its end. The error is io.EOF when the tester has gone.
func (l *lines) read() (string, error) {
	var line []byte
	for {
		piece, err := l.in.ReadSlice('\n')
		if err == nil && line == nil {
			return strings.TrimRight(string(piece), "\r\n"), nil
		}
		line = append(line, piece...)
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		if len(line) > longestLine {
			return "", errors.New("a line without end")
		}
	}
}

// say adds a line.
func (l *lines) say(parts ...string) {
	for _, part := range parts {
		l.out.WriteString(part)
	}
	l.out.WriteByte('\n')
}

// octets adds a line of a text and octets in hexadecimal.
func (l *lines) octets(text string, octets []byte) {
	if len(octets) == 0 {
		l.say(text, "-")
		return
	}
	l.say(text, hex.EncodeToString(octets))
}

// flush writes what was said. Ends the program if nobody reads it.
func (l *lines) flush() {
	if err := l.out.Flush(); err != nil {
		os.Exit(3)
	}
}

// octetsOf reads octets in hexadecimal, or `-` for none.
func octetsOf(word string) ([]byte, error) {
	if word == "-" {
		return nil, nil
	}
	return hex.DecodeString(word)
}

// descriptor reads and writes without Go's poller, which costs more than a turn: nobody else needs this thread.
type descriptor int

func (d descriptor) Read(buffer []byte) (int, error) {
	for {
		count, err := syscall.Read(int(d), buffer)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, fmt.Errorf("the input cannot be read: %w", err)
		case count == 0:
			return 0, io.EOF
		default:
			return count, nil
		}
	}
}

func (d descriptor) Write(buffer []byte) (int, error) {
	written := 0
	for written < len(buffer) {
		count, err := syscall.Write(int(d), buffer[written:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return written, err
		}
		written += count
	}
	return written, nil
}
