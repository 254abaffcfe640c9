#include "emg.h"

void emg_reset(struct emg_buffer *b, uint8_t samples_per_frame, uint8_t channels) {
    b->samples_per_frame = samples_per_frame;
    b->payload_bytes = (uint8_t)(MSG_BYTES_EMG + 2U * samples_per_frame * channels);
    b->places = (uint8_t)(sizeof b->ring / b->payload_bytes);
    b->end = b->ring + (uint16_t)(b->places * b->payload_bytes);
    b->filling = b->ring;
    b->oldest = b->ring;
    b->filled = 0U;
    b->sent = 0U;
    b->first = 0U;
    emg_begin(b);
}

uint16_t emg_samples(const struct emg_buffer *b) {
    uint8_t in_frame = (uint8_t)(b->samples_per_frame - b->samples_left);
    return (uint16_t)(b->first + in_frame);
}

uint32_t emg_full_index(uint32_t near, uint16_t low) {
    uint16_t ahead = (uint16_t)(low - (uint16_t)near);
    return ahead < 0x8000U ? near + ahead : near - (UINT32_C(0x10000) - ahead);
}

uint8_t emg_waiting(const struct emg_buffer *b) {
    return (uint8_t)(b->filled - b->sent);
}

const uint8_t *emg_oldest(struct emg_buffer *b, uint32_t near, uint8_t flags) {
    struct emg head = {
        .sample_index = emg_full_index(near, get_u16(b->oldest)),
        .n = b->samples_per_frame,
        .flags = (uint8_t)(b->oldest[EMG_FLAGS_AT] | flags),
    };
    emg_pack(&head, b->oldest);
    return b->oldest;
}

void emg_done(struct emg_buffer *b) {
    b->oldest += b->payload_bytes;
    if (b->oldest == b->end) {
        b->oldest = b->ring;
    }
    b->sent++;
}
