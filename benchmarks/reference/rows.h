/* Invented rows of a registry of insured persons: sorted numbers, two public attributes, three private fields. */
#ifndef REFERENCE_ROWS_H
#define REFERENCE_ROWS_H

#include <stdint.h>
#include <string.h>

enum { NUMBER, REGION, KIND, NAME, ID, PHONE, CELLS };
#define HEADER "no,region,kind,name,id,phone\n"

typedef struct {
    char text[CELLS][32];
    int length[CELLS];
} Row;

static inline void digits(char *to, uint64_t value, int width) {
    while (width--) to[width] = '0' + value % 10, value /= 10;
}

static inline void set(Row *row, int cell, int length) { row->length[cell] = length; }

/* The number of a row is P and nine digits; resident identity numbers have the check digit of GB 11643. */
static inline void make_row(uint64_t index, Row *row) {
    static const char *kinds[] = {"职工", "居民", "灵活就业"};
    static const char *families[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"};
    static const char *given[] = {"建国", "秀英", "伟", "芳", "志强", "丽", "国华", "敏", "静", "军"};
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    row->text[NUMBER][0] = 'P';
    digits(row->text[NUMBER] + 1, index, 9);
    set(row, NUMBER, 10);
    memcpy(row->text[REGION], "3701", 4);
    digits(row->text[REGION] + 4, index % 40, 2);
    set(row, REGION, 6);
    const char *kind = kinds[index % 3];
    memcpy(row->text[KIND], kind, strlen(kind));
    set(row, KIND, strlen(kind));
    const char *family = families[index % 10], *name = given[index / 10 % 10];
    memcpy(row->text[NAME], family, 3);
    memcpy(row->text[NAME] + 3, name, strlen(name));
    set(row, NAME, 3 + strlen(name));
    char *id = row->text[ID];
    memcpy(id, row->text[REGION], 6);
    digits(id + 6, 1950 + index % 60, 4);
    digits(id + 10, 1 + index % 12, 2);
    digits(id + 12, 1 + index % 28, 2);
    digits(id + 14, index / 7 % 1000, 3);
    int sum = 0;
    for (int at = 0; at < 17; at++) sum += (id[at] - '0') * weights[at];
    id[17] = "10X98765432"[sum % 11];
    set(row, ID, 18);
    memcpy(row->text[PHONE], "13", 2);
    digits(row->text[PHONE] + 2, index, 9);
    set(row, PHONE, 11);
}

#endif
