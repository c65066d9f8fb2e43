// Command tlog hashes invented rows of 64 bytes with golang.org/x/mod/sumdb/tlog, prints the seconds and the root.
package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// hashes is a store in memory, by the index that tlog gives each hash.
type hashes []tlog.Hash

func (all hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	told := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		told[at] = all[index]
	}
	return told, nil
}

func main() {
	rows, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		panic(err)
	}
	all := make(hashes, 0, tlog.StoredHashCount(rows))
	row := make([]byte, 64)
	began := time.Now()
	for index := int64(0); index < rows; index++ {
		for at := 0; at < 64; at += 8 {
			binary.BigEndian.PutUint64(row[at:], uint64(index))
		}
		stored, err := tlog.StoredHashes(index, row, all)
		if err != nil {
			panic(err)
		}
		all = append(all, stored...)
	}
	root, err := tlog.TreeHash(rows, all)
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"seconds\": %f, \"root\": \"%s\"}\n", time.Since(began).Seconds(), hex.EncodeToString(root[:]))
}
