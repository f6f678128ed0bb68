/* Products with quantised weights: looks at the layout once and calls its file. */
#include "quants.h"

SKALD_FUNCTION(SKALD_FN(quantised_prepare), const struct skald_linear) {
    SKALD_UNUSED(third), SKALD_UNUSED(fourth);
    switch (a->type) {
        case SKALD_Q4_0: SKALD_FN(linear_q4_0_prepare)(a, first, end); break;
        case SKALD_Q4_1: SKALD_FN(linear_q4_1_prepare)(a, first, end); break;
        case SKALD_Q5_1: SKALD_FN(linear_q5_1_prepare)(a, first, end); break;
        case SKALD_Q8_0: SKALD_FN(linear_q8_0_prepare)(a, first, end); break;
        case SKALD_Q4_K: SKALD_FN(linear_q4_k_prepare)(a, first, end); break;
        case SKALD_Q5_K: SKALD_FN(linear_q5_k_prepare)(a, first, end); break;
        case SKALD_Q6_K: SKALD_FN(linear_q6_k_prepare)(a, first, end); break;
    }
}

SKALD_FUNCTION(SKALD_FN(quantised), const struct skald_linear) {
    switch (a->type) {
        case SKALD_Q4_0: SKALD_FN(linear_q4_0)(a, first, end, third, fourth); break;
        case SKALD_Q4_1: SKALD_FN(linear_q4_1)(a, first, end, third, fourth); break;
        case SKALD_Q5_1: SKALD_FN(linear_q5_1)(a, first, end, third, fourth); break;
        case SKALD_Q8_0: SKALD_FN(linear_q8_0)(a, first, end, third, fourth); break;
        case SKALD_Q4_K: SKALD_FN(linear_q4_k)(a, first, end, third, fourth); break;
        case SKALD_Q5_K: SKALD_FN(linear_q5_k)(a, first, end, third, fourth); break;
        case SKALD_Q6_K: SKALD_FN(linear_q6_k)(a, first, end, third, fourth); break;
    }
}
