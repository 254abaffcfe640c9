#include "emg.h"

void emg_reset(struct emg_buffer *b, uint8_t samples_per_frame) {
    b->samples_per_frame = samples_per_frame;
    b->samples_left = samples_per_frame;
    b->filling = 0U;
    b->next = b->payload[0] + MSG_BYTES_EMG;
    b->first[0] = 0U;
    b->samples = 0U;
    b->ready = false;
    b->overrun = false;
}

uint32_t emg_full_index(uint32_t near, uint16_t low) {
    return near + (uint32_t)(int32_t)(int16_t)(uint16_t)(low - (uint16_t)near);
}

uint8_t *emg_head(struct emg_buffer *b, uint32_t sample_index, uint8_t flags) {
    uint8_t waiting = b->filling ^ 1U;
    struct emg head = {
        .sample_index = emg_full_index(sample_index, b->first[waiting]),
        .n = b->samples_per_frame,
        .flags = flags,
    };
    emg_pack(&head, b->payload[waiting]);
    return b->payload[waiting];
}
