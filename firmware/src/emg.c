#include "emg.h"

void emg_reset(struct emg_buffer *b, uint8_t samples_per_frame) {
    b->filling = b->payload[0];
    b->waiting = b->payload[1];
    b->next = b->filling + MSG_BYTES_EMG;
    b->samples_per_frame = samples_per_frame;
    b->samples_left = samples_per_frame;
    b->first = 0U;
    b->ready = false;
    b->overrun = false;
}

uint16_t emg_samples(const struct emg_buffer *b) {
    uint8_t in_frame = (uint8_t)(b->samples_per_frame - b->samples_left);
    return (uint16_t)(b->first + in_frame);
}

uint32_t emg_full_index(uint32_t near, uint16_t low) {
    uint16_t ahead = (uint16_t)(low - (uint16_t)near);
    return ahead < 0x8000U ? near + ahead : near - (UINT32_C(0x10000) - ahead);
}

void emg_head(struct emg_buffer *b, uint32_t near, uint8_t flags) {
    struct emg head = {
        .sample_index = emg_full_index(near, b->waiting_first),
        .n = b->samples_per_frame,
        .flags = flags,
    };
    emg_pack(&head, b->waiting);
}
