/* An EEPROM in the flash: bytes that outlast power, written one at a time, without a moment's pause of the hand.

   The flash can only clear bits, and sets them only by the sector. So each written byte is appended as a record of four
   bytes, and reading goes to a mirror in RAM, which the records make at start-up. There are two areas of records; when one
   is half full at start-up, the other is erased, and takes what the mirror holds and then its head, which makes it the
   newer one. A power cut at any moment leaves the old area or the new, and of a record all or nothing: its check counts
   the zeros of the other bits, and a writing that is cut off leaves too few zeros there or too large a count here.

   A byte takes the flash some 0.5 ms, an erasure 50 ms a sector, which only start-up has time for. */
#include <string.h>

#include "rp2.h"

#define EEPROM_BYTES 256U
#define AREA_AT(area) (0x1F0000UL + 0x4000UL * (area))
#define SECTOR_BYTES 0x1000UL
#define AREA_SECTORS 4U
#define RECORD_BYTES 4U
#define RECORDS (AREA_SECTORS * SECTOR_BYTES / RECORD_BYTES)
#define CHECK_SHIFT 24U
#define HEAD 0x4D0000UL /* bits 16 to 23 of an area's first record; below it which one it is, counted up */
#define BLANK 0xFFFFFFFFUL
#define ERASE_MAX_MS 2000U

#define READ 0x03U
#define READ_STATUS 0x05U
#define WRITE_ENABLE 0x06U
#define PROGRAM 0x02U
#define ERASE_SECTOR 0x20U
#define READ_UNIQUE_ID 0x4BU
#define STATUS_BUSY 0x01U

#define SSI 0x18000000UL
#define SSI_STATUS REG(SSI + 0x28U)
#define SSI_DATA REG(SSI + 0x60U)
#define SSI_RECEIVED BIT(3)
#define FLASH_SELECT REG(0x4001800CUL)
#define SELECT_LOW (2U << 8)
#define SELECT_HIGH (3U << 8)

static uint8_t mirror[EEPROM_BYTES];
static uint8_t area;
static uint16_t next;        /* record to be written */
static bool writing;
static bool loaded;

/* ---- The flash chip ---- */

static uint8_t exchange(uint8_t byte) {
    SSI_DATA = byte;
    while ((SSI_STATUS & SSI_RECEIVED) == 0U) {
    }
    return (uint8_t)SSI_DATA;
}

static void select(uint8_t command) {
    FLASH_SELECT = SELECT_LOW;
    (void)exchange(command);
}

static void deselect(void) {
    FLASH_SELECT = SELECT_HIGH;
}

static void select_at(uint8_t command, uint32_t address) {
    select(command);
    (void)exchange((uint8_t)(address >> 16));
    (void)exchange((uint8_t)(address >> 8));
    (void)exchange((uint8_t)address);
}

static bool flash_busy(void) {
    select(READ_STATUS);
    bool busy = (exchange(0U) & STATUS_BUSY) != 0U;
    deselect();
    return busy;
}

static void write_enable(void) {
    select(WRITE_ENABLE);
    deselect();
}

static uint32_t exchange_word(uint32_t word) {
    uint32_t read = 0U;
    for (uint8_t i = 0; i < RECORD_BYTES; i++) {
        read |= (uint32_t)exchange((uint8_t)(word >> (8U * i))) << (8U * i);
    }
    return read;
}

static uint32_t address_of(uint8_t of_area, uint16_t record) {
    return AREA_AT(of_area) + RECORD_BYTES * record;
}

static uint32_t read_record(uint8_t of_area, uint16_t record) {
    select_at(READ, address_of(of_area, record));
    uint32_t word = exchange_word(0U);
    deselect();
    return word;
}

static void begin_record(uint8_t of_area, uint16_t record, uint32_t word) {
    write_enable();
    select_at(PROGRAM, address_of(of_area, record));
    (void)exchange_word(word);
    deselect();
}

/* False: the flash does not get ready. */
static bool wait_ready(void) {
    uint32_t began = board_now_ms();
    while (flash_busy()) {
        board_watchdog_feed();
        if (board_now_ms() - began > ERASE_MAX_MS) {
            return false;
        }
    }
    return true;
}

void flash_unique_id(uint8_t id[8]) {
    select_at(READ_UNIQUE_ID, 0U);
    (void)exchange(0U);
    for (uint8_t i = 0; i < 8U; i++) {
        id[i] = exchange(0U);
    }
    deselect();
}

/* From reading the program to sending single bytes (4.10.5). */
static void flash_init(void) {
    REG(SSI + 0x08U) = 0U;
    REG(SSI + 0x14U) = 6U;
    REG(SSI + 0x00U) = 7UL << 16; /* frames of 8 bits, both ways */
    REG(SSI + 0x10U) = 1U;
    REG(SSI + 0x08U) = 1U;
    deselect();
}

/* ---- Records ---- */

static uint32_t sealed(uint32_t bits) {
    uint32_t zeros = 0U;
    for (uint8_t i = 0; i < CHECK_SHIFT; i++) {
        zeros += (bits >> i & 1U) ^ 1U;
    }
    return bits | zeros << CHECK_SHIFT;
}

static bool is_whole(uint32_t word) {
    return word == sealed(word & (BIT(CHECK_SHIFT) - 1U));
}

static bool is_head(uint32_t word) {
    return is_whole(word) && (word & 0xFF0000UL) == HEAD;
}

static uint32_t record_of(uint16_t at, uint8_t byte) {
    return sealed(at | (uint32_t)byte << 16);
}

static void mirror_record(uint32_t word) {
    if (is_whole(word) && (word & 0xFFFFU) < EEPROM_BYTES) {
        mirror[word & 0xFFFFU] = (uint8_t)(word >> 16);
    }
}

static void load_area(void) {
    memset(mirror, 0xFF, sizeof mirror);
    for (next = 1U; next < RECORDS; next++) {
        uint32_t word = read_record(area, next);
        if (word == BLANK) {
            return;
        }
        mirror_record(word);
    }
}

/* At start-up, which can wait: the other area takes over. */
static void move_to(uint8_t other, uint16_t generation) {
    for (uint8_t i = 0; i < AREA_SECTORS; i++) {
        write_enable();
        select_at(ERASE_SECTOR, AREA_AT(other) + SECTOR_BYTES * i);
        deselect();
        if (!wait_ready()) {
            return;
        }
    }
    uint16_t record = 1U;
    for (uint16_t at = 0; at < EEPROM_BYTES; at++) {
        if (mirror[at] != 0xFFU) {
            begin_record(other, record, record_of(at, mirror[at]));
            record++;
            if (!wait_ready()) {
                return;
            }
        }
    }
    begin_record(other, 0U, sealed(HEAD | generation));
    if (wait_ready()) {
        area = other;
        next = record;
    }
}

static void load(void) {
    uint32_t heads[2] = {read_record(0U, 0U), read_record(1U, 0U)};
    bool second_newer = (int16_t)((uint16_t)heads[1] - (uint16_t)heads[0]) > 0;
    bool any = is_head(heads[0]) || is_head(heads[1]);
    area = is_head(heads[1]) && (second_newer || !is_head(heads[0])) ? 1U : 0U;
    next = RECORDS;
    if (any) {
        load_area();
    }
    if (!any || next > RECORDS / 2U) {
        move_to(area ^ 1U, any ? (uint16_t)(heads[area] + 1U) : 0U);
    }
    loaded = true;
}

void eeprom_init(void) {
    flash_init();
    memset(mirror, 0xFF, sizeof mirror);
    if (!flash_busy()) {
        load();
    }
}

/* ---- As an EEPROM ---- */

bool board_eeprom_busy(void) {
    if (flash_busy()) {
        return true;
    }
    if (!loaded) {
        load();
    }
    if (writing) {
        mirror_record(read_record(area, next));
        writing = false;
        next++;
    }
    return next >= RECORDS; /* full until the next start-up */
}

uint8_t board_eeprom_read(uint16_t at) {
    return mirror[at];
}

void board_eeprom_write(uint16_t at, uint8_t byte) {
    writing = true;
    begin_record(area, next, record_of(at, byte));
}
