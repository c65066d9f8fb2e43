// Command tlogread reads our logs and notes with golang.org/x/mod/sumdb, which shares no line of code with us.
//
//	tlogread log FOLDER VKEY SIZE...   check a whole log, and that the tree of each SIZE, whose checkpoint
//	                                   is in cosigned/, is a prefix of every larger one
//	tlogread prove FOLDER VKEY         answer each line "record SIZE INDEX" or "tree SIZE OLD" with a proof
//	tlogread judge                     answer each line "record SIZE ROOT INDEX LEAF HASH..." or
//	                                   "tree SIZE ROOT OLD OLDROOT HASH..." with "holds" or why not
//	tlogread open VKEY                 verify a note and print its text
//	tlogread sign SKEY                 print a text as a signed note
//	tlogread key NAME                  make a key from a seed of 32 bytes and print skey and vkey
//
// Hashes are in base64. x/mod knows Ed25519 notes only: the lines of witnesses are unknown to it. It has no tree
// of size 0.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "tlogread:", err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	switch command {
	case "log":
		return checkLog(folder(args[0]), args[1], args[2:])
	case "prove":
		return prove(folder(args[0]), args[1])
	case "judge":
		return eachLine(judge)
	case "open":
		return openNote(args[0])
	case "sign":
		return signNote(args[0])
	case "key":
		return makeKey(args[0])
	}
	return errors.New("no such command: " + command)
}

// A folder holds the files of one log. It is a tlog.TileReader.
type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := f.read(tile)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// read returns a tile or a bundle of entries under the path that C2SP tlog-tiles gives it.
func (f folder) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	return os.ReadFile(filepath.Join(string(f), path))
}

// checkpoint opens one of the log's notes.
func (f folder) checkpoint(name, vkey string) (tlog.Tree, error) {
	data, err := os.ReadFile(filepath.Join(string(f), name))
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", name, err)
	}
	// tlog.ParseTree reads the three lines of any log, if the first one names the go.sum database.
	lines := strings.TrimPrefix(opened.Text, verifier.Name()+"\n")
	if lines == opened.Text {
		return tlog.Tree{}, fmt.Errorf("%s: not of the log %s", name, verifier.Name())
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + lines))
}

func checkLog(f folder, vkey string, sizes []string) error {
	newest, err := f.checkpoint("checkpoint", vkey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(newest, f)
	for first := int64(0); first < newest.N; first += width {
		if err := checkBundle(f, newest, hashes, first); err != nil {
			return err
		}
	}
	var trees []tlog.Tree
	for _, size := range sizes {
		tree, err := f.checkpoint("cosigned/"+size, vkey)
		if err != nil {
			return err
		}
		if root, err := tlog.TreeHash(tree.N, hashes); err != nil || root != tree.Hash || size != fmt.Sprint(tree.N) {
			return fmt.Errorf("cosigned/%s: has root %v, the tiles %v: %v", size, tree.Hash, root, err)
		}
		trees = append(trees, tree)
	}
	for _, old := range trees {
		for _, tree := range append(trees, newest) {
			if old.N > tree.N {
				continue
			}
			proof, err := tlog.ProveTree(tree.N, old.N, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
				return fmt.Errorf("%d in %d: %w", old.N, tree.N, err)
			}
		}
	}
	fmt.Println(newest.N, newest.Hash)
	return nil
}

// checkBundle checks that the entries from first on are in the tree: each hash against the tiles, some by proofs.
func checkBundle(f folder, tree tlog.Tree, hashes tlog.HashReader, first int64) error {
	tile := tlog.Tile{H: height, L: -1, N: first / width, W: width}
	if tree.N-first < width {
		tile.W = int(tree.N - first)
	}
	data, err := f.read(tile)
	if err != nil {
		return err
	}
	var indexes []int64
	var leaves []tlog.Hash
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(data[0])<<8+int(data[1]) {
			return fmt.Errorf("%s: truncated", tile.Path())
		}
		end := 2 + int(data[0])<<8 + int(data[1])
		indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(len(indexes))))
		leaves = append(leaves, tlog.RecordHash(data[2:end]))
		data = data[end:]
	}
	if len(leaves) != tile.W {
		return fmt.Errorf("%s: %d entries", tile.Path(), len(leaves))
	}
	stored, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		if leaf != stored[i] {
			return fmt.Errorf("%s: entry %d is not the one that was hashed", tile.Path(), i)
		}
	}
	for i := 0; i < len(leaves); i += width - 1 {
		index := first + int64(i)
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaves[i]); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return nil
}

func prove(f folder, vkey string) error {
	newest, err := f.checkpoint("checkpoint", vkey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(newest, f)
	return eachLine(func(words []string) (string, error) {
		size, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return "", err
		}
		other, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil {
			return "", err
		}
		var proof []tlog.Hash
		if words[0] == "record" {
			proof, err = tlog.ProveRecord(size, other, hashes)
		} else {
			proof, err = tlog.ProveTree(size, other, hashes)
		}
		var told []string
		for _, hash := range proof {
			told = append(told, hash.String())
		}
		return strings.Join(told, " "), err
	})
}

func judge(words []string) (string, error) {
	var numbers [2]int64
	var hashes []tlog.Hash
	for i, word := range words[1:] {
		if i == 0 || i == 2 {
			number, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return "", err
			}
			numbers[i/2] = number
			continue
		}
		hash, err := tlog.ParseHash(word)
		if err != nil {
			return "", err
		}
		hashes = append(hashes, hash)
	}
	check := tlog.CheckTree(hashes[2:], numbers[0], hashes[0], numbers[1], hashes[1])
	if words[0] == "record" {
		check = tlog.CheckRecord(hashes[2:], numbers[0], hashes[0], numbers[1], hashes[1])
	}
	if check != nil {
		return check.Error(), nil
	}
	return "holds", nil
}

// eachLine prints what answer makes of each line of words.
func eachLine(answer func([]string) (string, error)) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		told, err := answer(strings.Fields(lines.Text()))
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		fmt.Println(told)
	}
	return lines.Err()
}

func openNote(vkey string) error {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	fmt.Print(opened.Text)
	return nil
}

func signNote(skey string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(signed)
	return err
}

func makeKey(name string) error {
	seed, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	skey, vkey, err := note.GenerateKey(bytes.NewReader(seed), name)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s\n", skey, vkey)
	return nil
}
