// SPDX-License-Identifier: GPL-2.0

// Reads all BTF that the kernel hands out, by file and by id, as programs built on cilium/ebpf do, and
// prints each file's name and number of types.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"
)

const folder = "/sys/kernel/btf"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	base, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	var task *btf.Struct
	if err := base.TypeByName("task_struct", &task); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		types, err := readFile(base, entry.Name())
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		fmt.Println(entry.Name(), types)
	}
	return readHandles(base)
}

func readFile(base *btf.Spec, name string) (int, error) {
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if name == "vmlinux" {
		spec, err := btf.LoadSpecFromReader(file)
		return count(spec), err
	}
	spec, err := btf.LoadSplitSpecFromReader(file, base)
	return count(spec), err
}

func count(spec *btf.Spec) int {
	types := 0
	if spec == nil {
		return types
	}
	for iter := spec.Iterate(); iter.Next(); {
		if _, void := iter.Type.(*btf.Void); !void {
			types++
		}
	}
	return types
}

// Each module's BTF object, found by id.
func readHandles(base *btf.Spec) error {
	var iter btf.HandleIterator
	for iter.Next() {
		info, err := iter.Handle.Info()
		if err != nil {
			return err
		}
		if !info.IsModule() {
			continue
		}
		if _, err := iter.Handle.Spec(base); err != nil {
			return fmt.Errorf("BTF object %d: %w", info.ID, err)
		}
	}
	return iter.Err()
}
