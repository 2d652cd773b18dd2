/* The template is data of the program; the assembler puts it there. */
#include "gateway/launcher/render.h"

__asm__(".section .rodata\n"
	".global template_text\n"
	".type template_text, @object\n"
	"template_text:\n"
	".incbin \"gateway/launcher/nginx.conf.in\"\n"
	".byte 0\n"
	".size template_text, . - template_text\n"
	".text\n");
