# The toolchain of AVR boards. A board's board.mk says MCU and AVRDUDE.
define avr_rules
$(BUILD)/$(1)/firmware.elf: $(PORTABLE) $(wildcard src/boards/avr/*.[cS] src/boards/$(1)/*.c) $(HEADERS) Makefile src/boards/avr/family.mk
	@mkdir -p $$(@D)
	avr-gcc -mmcu=$(MCU_$(1)) -DF_CPU=16000000UL -DBUILD_REVISION=0x$$(call build_id,avr-gcc,$$^)UL $(CFLAGS) \
	    -mrelax -Isrc -Isrc/boards/$(1) -Wl,--gc-sections -o $$@ $$(filter %.c %.S,$$^)

$(BUILD)/$(1)/firmware.hex: $(BUILD)/$(1)/firmware.elf
	avr-objcopy -O ihex -R .eeprom $$< $$@

$(1): $(BUILD)/$(1)/firmware.elf
	@avr-size -C --mcu=$(MCU_$(1)) $$< | awk '/Program|Data/ {printf "$(1) %s %s bytes %s\n", $$$$1, $$$$2, $$$$4 $$$$5}'

flash-$(1): $(BUILD)/$(1)/firmware.hex
	avrdude $(AVRDUDE_$(1)) -P $(PORT) -U flash:w:$$<:i
endef
