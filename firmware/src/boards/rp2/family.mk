# The toolchain of RP2040 boards: the compiler alone, without a C library or an SDK (memory.c, boot2.S).
RP2_FLAGS := -mcpu=cortex-m0plus -mthumb -ffreestanding -fno-tree-loop-distribute-patterns -isystem src/boards/rp2/include
RP2_LINK := -nostdlib -nostartfiles -Wl,--gc-sections,--no-warn-rwx-segments -T src/boards/rp2/link.ld

define rp2_rules
$(BUILD)/$(1)/firmware.elf: $(PORTABLE) $(wildcard src/boards/rp2/*.[cS] src/boards/$(1)/*.c) $(HEADERS) Makefile src/boards/rp2/family.mk src/boards/rp2/link.ld
	@mkdir -p $$(@D)
	arm-none-eabi-gcc $(RP2_FLAGS) -DBUILD_REVISION=0x$$(call build_id,arm-none-eabi-gcc,$$^)UL $(CFLAGS) \
	    -Isrc -Isrc/boards/$(1) $(RP2_LINK) -o $$@ $$(filter %.c %.S,$$^) -lgcc

$(BUILD)/$(1)/firmware.bin: $(BUILD)/$(1)/firmware.elf src/boards/rp2/image.py
	arm-none-eabi-objcopy -O binary -j .boot2 -j .start -j .ram $$< $$@.raw
	$(PYTHON) src/boards/rp2/image.py $$@.raw $$@ $(BUILD)/$(1)/firmware.uf2

$(BUILD)/$(1)/firmware.uf2: $(BUILD)/$(1)/firmware.bin

$(1): $(BUILD)/$(1)/firmware.uf2
	@arm-none-eabi-size $(BUILD)/$(1)/firmware.elf | awk 'NR == 2 {printf "$(1) Program: %s bytes\n$(1) Data: %s bytes\n", $$$$1 + $$$$2, $$$$1 + $$$$2 + $$$$3}'

flash-$(1): $(BUILD)/$(1)/firmware.uf2
	cp $$< $(DRIVE)/
endef
