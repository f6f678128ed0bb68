// Causal attention over the paged cache on the tensor cores, ragged: 16-bit keys and values, head dimensions that are multiples of 8, up to 128.
//
// One order of operations for a row (a token's query head) in every tile, so that its bits are the same in a chunk of any size and in decode. Positions are
// cut into splits of SPLIT at absolute multiples, each with its own running softmax; a split into steps of STEP positions. Of a step
//   score    = Σ query · key in products of 16 elements, ascending; queries as two 16-bit numbers, the greater part and what it leaves
//   most     = the greatest score so far; what was summed before is scaled by exp(most before − most)
//   weight   = exp(score − most), as two 16-bit numbers too
//   values  += Σ weight · value, sum += Σ weight · 1, in products of 16 positions, ascending.
// What lies behind a row's end has weight 0, which leaves sums as they are. Splits combine in ascending order.
//
// A block has rows of 16 each, which share a key/value head. A few rows (a token of decode): its 8 warps take a step each of a split at once, then 16 columns
// each of its values. Many (a chunk of a prompt): 4 times 16 rows, 2 warps for each, which take 2 steps at once, then half of the columns each.
#include "skald.cuh"

namespace tensor_attention {

constexpr int SPLIT = 256, STEP = 32, TILE = 16;

struct Args {
    Step step;
    const float* qkv;    // [tokens, stride]: queries first, a query head after the other
    const void* keys;    // one layer's: [blocks, kvHeads, blockTokens, headDim]
    const void* values;
    float* out;          // [tokens, outStride]
    float* partials;     // [units, heads, headDim + 2]: weighted values, greatest score, sum of weights; a unit is a token's split
    int* plan;           // see Plan
    int stride, outStride, heads, kvHeads, headDim, blockTokens, units, group;  // group: query heads that share a tile, of those of a key/value head
    float scale;
    int pad;
};

/** Which tiles the step has, made once for all layers. */
struct Plan {
    int* counts;    // [4]: tiles of many rows, items of few rows, units that were asked for
    int* firstUnit; // [maxTokens]: where a token's partials begin; −1: it has none
    int2* many;     // [maxTokens]: first token, tokens
    int4* few;      // [units + maxSequences]: first token, tokens, split or −1 for all, unit of the first token

    __device__ explicit Plan(const Args& a) {
        counts = a.plan;
        firstUnit = counts + 4;
        many = reinterpret_cast<int2*>(firstUnit + (a.step.maxTokens + 3) / 4 * 4);
        few = reinterpret_cast<int4*>(many + (a.step.maxTokens + 1) / 2 * 2);
    }
};

__device__ inline int sequenceOffset(const Step& step, int s) { return step.batch[8 + 3 * step.maxTokens + s]; }

__device__ inline unsigned short bitsOf(__half v) { unsigned short b; memcpy(&b, &v, 2); return b; }
__device__ inline unsigned short bitsOf(__nv_bfloat16 v) { unsigned short b; memcpy(&b, &v, 2); return b; }
__device__ inline float held(float v, __half) { return fminf(fmaxf(v, -65504.0f), 65504.0f); }
__device__ inline float held(float v, __nv_bfloat16) { return v; }

/** Two neighbours: their greater parts, and what these leave. */
template <class T> __device__ inline void divide(float x0, float x1, unsigned& high, unsigned& low) {
    T h0, h1, l0, l1;
    narrow(held(x0, T()), h0);
    narrow(held(x1, T()), h1);
    narrow(held(x0 - widen(h0), T()), l0);
    narrow(held(x1 - widen(h1), T()), l1);
    high = bitsOf(h0) | unsigned(bitsOf(h1)) << 16;
    low = bitsOf(l0) | unsigned(bitsOf(l1)) << 16;
}

/** Two ones, and the bits that are all set in what is not finite. */
__device__ constexpr unsigned ones(__half) { return 0x3c003c00; }
__device__ constexpr unsigned ones(__nv_bfloat16) { return 0x3f803f80; }
__device__ constexpr unsigned notFinite(__half) { return 0x7c00; }
__device__ constexpr unsigned notFinite(__nv_bfloat16) { return 0x7f80; }

#ifdef SIMCUDA
/** The warp's product by scalar arithmetic: each lane lays down its fragments, the last one computes for all. */
template <class T> void multiplyAll(unsigned char* places) {
    float a[16][16], b[16][8];
    auto element = [](const unsigned char* at) { T v; memcpy(&v, at, 2); return widen(v); };
    for (int lane = 0; lane < 32; lane++) {
        const unsigned char* p = places + lane * simcuda::LANE_BYTES;
        int group = lane / 4, pair = lane % 4 * 2;
        for (int i = 0; i < 8; i++) a[group + (i / 2 % 2) * 8][pair + i % 2 + i / 4 * 8] = element(p + 2 * i);
        for (int i = 0; i < 4; i++) b[pair + i % 2 + i / 2 * 8][group] = element(p + 16 + 2 * i);
    }
    float product[16][8] = {};
    for (int m = 0; m < 16; m++) {
        for (int k = 0; k < 16; k++) for (int n = 0; n < 8; n++) product[m][n] = fmaf(a[m][k], b[k][n], product[m][n]);
    }
    for (int lane = 0; lane < 32; lane++) {
        int group = lane / 4, pair = lane % 4 * 2;
        float mine[4] = {product[group][pair], product[group][pair + 1], product[group + 8][pair], product[group + 8][pair + 1]};
        memcpy(places + lane * simcuda::LANE_BYTES, mine, sizeof mine);
    }
}
template <class T> void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    unsigned fragments[6] = {a[0], a[1], a[2], a[3], b0, b1};
    const unsigned char* places = simcuda::simcuda_exchange_then(ALL_LANES, fragments, sizeof fragments, multiplyAll<T>);
    float product[4];
    memcpy(product, places + simcuda::lane() * simcuda::LANE_BYTES, sizeof product);
    for (int i = 0; i < 4; i++) c[i] += product[i];
}
#else
/** c += A · B, A [16, 16], B [16, 8], in the fragments of mma.m16n8k16. */
template <class T> __device__ inline void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
template <> __device__ inline void multiply<__half>(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <> __device__ inline void multiply<__nv_bfloat16>(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

/** This split, and then the next: the one way in which partials are combined. */
__device__ inline float merged(float a, float x, float b, float y) { return fmaf(b, y, a * x); }

/** What scores are measured from: where all are −∞ so far, or there are none, from 0. */
__device__ inline float baseOf(float most) { return most == -INFINITY ? 0 : most; }

/** A row's sum over the four lanes that hold it needs no order where it is a maximum. */
__device__ inline float quadMax(float v) {
    v = max(v, __shfl_xor_sync(ALL_LANES, v, 1));
    return max(v, __shfl_xor_sync(ALL_LANES, v, 2));
}

/** A tile's shape and shared memory. @param DIM head dimension at most @param TILES times 16 rows: 1 for few rows, 4 for many */
template <class T, int DIM, int TILES> struct Tile {
    static constexpr int ROWS = TILE * TILES;
    static constexpr int SHARE = WARPS / TILES;                    // warps that share 16 rows
    static constexpr int ROUND = SHARE * STEP;                     // positions that they take at once
    static constexpr int COLUMNS = TILES == 1 ? 2 : DIM / 16;      // products of 8 columns to a warp
    static constexpr int QUERY = DIM % 64 == 0 ? DIM + 32 : DIM;   // elements from row to row: rows of a pair of lanes lie in different banks
    static constexpr int WEIGHT = ROUND + 8;
    static constexpr int AT_ONCE = COLUMNS == 8 ? 1 : 2;  // times 16 positions whose values a lane asks for before it weighs the first

    T* queries;    // [2, ROWS, QUERY]: greater parts, then what they leave
    T* weights;    // [2, ROWS, WEIGHT] likewise
    float* steps;  // [2, ROWS, SHARE]: greatest score of each step of a round, and of the round before
    int* places;   // [SPLIT]: row of each position's key and value, of headDim elements
    int token, tokens, kvHead, firstHead, group, rows;
    int warp, share, lane, groupOfLane, quarter;
    int row0, row1, end0, end1;  // the lane's rows, and how many positions they see
    int firstEnd, lastEnd, tileEnd;  // of the whole tile: fewest and most; of the 16 rows: most

    __device__ Tile(const Args& a, unsigned char* memory, int firstToken, int count) : token(firstToken), tokens(count) {
        queries = reinterpret_cast<T*>(memory);
        weights = queries + 2 * ROWS * QUERY;
        steps = reinterpret_cast<float*>(weights + 2 * ROWS * WEIGHT);
        places = reinterpret_cast<int*>(steps + 2 * ROWS * SHARE);
        int perKv = a.heads / a.kvHeads, g = blockIdx.z * a.group;
        kvHead = blockIdx.y;
        firstHead = kvHead * perKv + g;
        group = min(a.group, perKv - g);
        rows = tokens * group;
        warp = threadIdx.x / 32 / SHARE;
        share = threadIdx.x / 32 % SHARE;
        lane = threadIdx.x % 32;
        groupOfLane = lane / 4;
        quarter = lane % 4;
        row0 = warp * TILE + groupOfLane;
        row1 = row0 + 8;
        end0 = row0 < rows ? a.step.position(token + row0 / group) + 1 : 0;
        end1 = row1 < rows ? a.step.position(token + row1 / group) + 1 : 0;
        firstEnd = a.step.position(token) + 1;
        lastEnd = a.step.position(token + tokens - 1) + 1;
        int last = min(rows, (warp + 1) * TILE) - 1;
        tileEnd = warp * TILE < rows ? a.step.position(token + last / group) + 1 : 0;
    }

    __device__ void load(const Args& a) const {
        for (int i = threadIdx.x; i < ROWS * DIM / 2; i += BLOCK) {
            int row = i / (DIM / 2), d = i % (DIM / 2) * 2;
            float x0 = 0, x1 = 0;
            if (row < rows && d < a.headDim) {
                const float* q = a.qkv + size_t(token + row / group) * a.stride + size_t(firstHead + row % group) * a.headDim + d;
                x0 = q[0];
                x1 = q[1];
            }
            unsigned high, low;
            divide<T>(x0, x1, high, low);
            *reinterpret_cast<unsigned*>(queries + row * QUERY + d) = high;
            *reinterpret_cast<unsigned*>(queries + (ROWS + row) * QUERY + d) = low;
        }
    }

    /** Where the positions of a split lie, one for each thread. */
    __device__ void find(const Args& a, int slot, int begin) const {
        int p = begin + threadIdx.x;
        if (p < lastEnd) places[threadIdx.x] = (a.step.block(slot, p / a.blockTokens) * a.kvHeads + kvHead) * a.blockTokens + p % a.blockTokens;
    }
};

/** 8 elements of a key from column d on; zeros beyond the tile's end and the head's. */
template <class T, class Shape> __device__ inline uint4 keyOf(const Args& a, const Shape& t, int p, int d) {
    if (d >= a.headDim || p >= t.tileEnd) return make_uint4(0, 0, 0, 0);
    return *reinterpret_cast<const uint4*>(static_cast<const T*>(a.keys) + size_t(t.places[p % SPLIT]) * a.headDim + d);
}

/** Scores of 16 rows and the 32 positions from p0 on, −∞ where a row does not see one. s[i]: positions 8 · i …, as the product leaves them in the lane. */
template <class T, int DIM, int TILES> __device__ inline void score(const Args& a, const Tile<T, DIM, TILES>& t, int p0, float (&s)[4][4]) {
    using Shape = Tile<T, DIM, TILES>;
    for (int i = 0; i < 4; i++) for (int j = 0; j < 4; j++) s[i][j] = 0;
#pragma unroll 1
    for (int chunk = 0; chunk < DIM; chunk += 32) {
        int d = chunk + 8 * t.quarter;
        if (chunk >= a.headDim) break;
        // A lane has 8 neighbouring columns of a row, which are 4 of each of two products; those of a key likewise, so it is the same ones that meet.
        const T* q = t.queries + t.row0 * Shape::QUERY + d;
        uint4 u = *reinterpret_cast<const uint4*>(q), l = *reinterpret_cast<const uint4*>(q + 8 * Shape::QUERY);
        uint4 v = *reinterpret_cast<const uint4*>(q + Shape::ROWS * Shape::QUERY), w = *reinterpret_cast<const uint4*>(q + (Shape::ROWS + 8) * Shape::QUERY);
        unsigned high[4] = {u.x, l.x, u.y, l.y}, high2[4] = {u.z, l.z, u.w, l.w}, low[4] = {v.x, w.x, v.y, w.y}, low2[4] = {v.z, w.z, v.w, w.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            uint4 k = keyOf<T>(a, t, p0 + 8 * i + t.groupOfLane, d);
            multiply<T>(s[i], high, k.x, k.y);
            multiply<T>(s[i], high2, k.z, k.w);
            multiply<T>(s[i], low, k.x, k.y);
            multiply<T>(s[i], low2, k.z, k.w);
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            int p = p0 + 8 * i + 2 * t.quarter + j % 2;
            s[i][j] = p < (j < 2 ? t.end0 : t.end1) ? s[i][j] * a.scale : -INFINITY;
        }
    }
}

/** A lane's running sums over a split. Columns 2 · quarter and one more of product j are COLUMNS · that + j of the warp's. */
template <int COLUMNS> struct Sums {
    float values[COLUMNS][4];
    float sum[4];  // of weights; [0] of the one row, [2] of the other
    float most[2];

    __device__ void clear() {
        for (int j = 0; j < COLUMNS; j++) for (int i = 0; i < 4; i++) values[j][i] = 0;
        for (int i = 0; i < 4; i++) sum[i] = 0;
        most[0] = most[1] = -INFINITY;
    }

    __device__ void scale(float a0, float a1) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            values[j][0] *= a0;
            values[j][1] *= a0;
            values[j][2] *= a1;
            values[j][3] *= a1;
        }
        sum[0] *= a0;
        sum[2] *= a1;
    }
};

/** N neighbouring 16-bit elements. */
template <int N> __device__ inline void loadWords(const void* from, unsigned (&words)[N / 2]) {
    if constexpr (N == 8) {
        uint4 v = *static_cast<const uint4*>(from);
        words[0] = v.x;
        words[1] = v.y;
        words[2] = v.z;
        words[3] = v.w;
    } else if constexpr (N == 4) {
        uint2 v = *static_cast<const uint2*>(from);
        words[0] = v.x;
        words[1] = v.y;
    } else {
        words[0] = *static_cast<const unsigned*>(from);
    }
}

/** Makes 0 of what is not finite; whether there was any. */
template <class T, int N> __device__ inline bool mend(unsigned (&words)[N]) {
    constexpr unsigned low = notFinite(T()), high = low << 16;
    bool any = false;
    for (int i = 0; i < N; i++) {
        if ((words[i] & low) == low) {
            words[i] &= 0xffff0000;
            any = true;
        }
        if ((words[i] & high) == high) {
            words[i] &= 0xffff;
            any = true;
        }
    }
    return any;
}

/**
 * The lane's values of the 16 positions from p on. A position that some rows of the tile don't see may hold what is not finite, and 0 times that is not 0: it
 * is left out, and the least such position told, so that rows that do see it come to NaN.
 */
template <class T, int DIM, int TILES, int COLUMNS>
__device__ inline void fetch(const Args& a, const Tile<T, DIM, TILES>& t, int p, unsigned (&v)[4][COLUMNS / 2], int& broken) {
    const T* values = static_cast<const T*>(a.values);
    int column = (t.share * 8 + t.groupOfLane) * COLUMNS;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int at = p + i / 2 * 8 + 2 * t.quarter + i % 2;
        if (at < t.tileEnd && column < a.headDim) {
            loadWords<COLUMNS>(values + size_t(t.places[at % SPLIT]) * a.headDim + column, v[i]);
            if (at >= t.firstEnd && mend<T>(v[i])) broken = min(broken, at);
        } else {
            for (int j = 0; j < COLUMNS / 2; j++) v[i][j] = 0;
        }
    }
}

/** Adds weight · value for 16 positions, whose weights begin at w. */
template <class T, int DIM, int TILES, int COLUMNS>
__device__ inline void weigh(const Tile<T, DIM, TILES>& t, const T* w, const unsigned (&v)[4][COLUMNS / 2], Sums<COLUMNS>& sums) {
    using Shape = Tile<T, DIM, TILES>;
    unsigned high[4], low[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const T* at = w + (t.row0 + i % 2 * 8) * Shape::WEIGHT + i / 2 * 8 + 2 * t.quarter;
        high[i] = *reinterpret_cast<const unsigned*>(at);
        low[i] = *reinterpret_cast<const unsigned*>(at + Shape::ROWS * Shape::WEIGHT);
    }
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
        unsigned b0, b1;
        if (j % 2 == 0) {
            b0 = (v[0][j / 2] & 0xffff) | v[1][j / 2] << 16;
            b1 = (v[2][j / 2] & 0xffff) | v[3][j / 2] << 16;
        } else {
            b0 = v[0][j / 2] >> 16 | (v[1][j / 2] & 0xffff0000);
            b1 = v[2][j / 2] >> 16 | (v[3][j / 2] & 0xffff0000);
        }
        multiply<T>(sums.values[j], high, b0, b1);
        multiply<T>(sums.values[j], low, b0, b1);
    }
    multiply<T>(sums.sum, high, ones(T()), ones(T()));
    multiply<T>(sums.sum, low, ones(T()), ones(T()));
}

/** One round of a split: scores, running softmax, weighted values. All threads of the block come here, for barriers. */
template <class T, int DIM, int TILES, int COLUMNS>
__device__ inline void turn(const Args& a, const Tile<T, DIM, TILES>& t, int begin, int stop, Sums<COLUMNS>& sums, int& broken) {
    using Shape = Tile<T, DIM, TILES>;
    int p0 = begin + t.share * STEP;
    bool sees = p0 < stop;
    float s[4][4];
    if (sees) score(a, t, p0, s);
    float most0 = -INFINITY, most1 = -INFINITY;
    if (sees) {
        for (int i = 0; i < 4; i++) {
            most0 = max(most0, max(s[i][0], s[i][1]));
            most1 = max(most1, max(s[i][2], s[i][3]));
        }
        most0 = quadMax(most0);
        most1 = quadMax(most1);
    }
    float* steps = t.steps + (begin / Shape::ROUND % 2) * Shape::ROWS * Shape::SHARE;  // those of the round before may still be read
    if (t.quarter == 0) {
        steps[t.row0 * Shape::SHARE + t.share] = most0;
        steps[t.row1 * Shape::SHARE + t.share] = most1;
    }
    __syncthreads();
    const float* steps0 = steps + t.row0 * Shape::SHARE;
    const float* steps1 = steps + t.row1 * Shape::SHARE;
    float base0 = sums.most[0], base1 = sums.most[1];
    for (int i = 0; i <= t.share; i++) {
        base0 = max(base0, steps0[i]);
        base1 = max(base1, steps1[i]);
    }
    base0 = baseOf(base0);
    base1 = baseOf(base1);
    if (sees) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int p = p0 + 8 * i + 2 * t.quarter;
            float w[4];
            for (int j = 0; j < 4; j++) w[j] = p + j % 2 < (j < 2 ? t.end0 : t.end1) ? expf(s[i][j] - (j < 2 ? base0 : base1)) : 0;
            T* at = t.weights + t.row0 * Shape::WEIGHT + t.share * STEP + 8 * i + 2 * t.quarter;
            unsigned high, low;
            divide<T>(w[0], w[1], high, low);
            *reinterpret_cast<unsigned*>(at) = high;
            *reinterpret_cast<unsigned*>(at + Shape::ROWS * Shape::WEIGHT) = low;
            divide<T>(w[2], w[3], high, low);
            *reinterpret_cast<unsigned*>(at + 8 * Shape::WEIGHT) = high;
            *reinterpret_cast<unsigned*>(at + (Shape::ROWS + 8) * Shape::WEIGHT) = low;
        }
    }
    __syncthreads();
    bool hasColumns = t.share * 8 * COLUMNS < a.headDim;
#pragma unroll
    for (int first = 0; first < 2 * Shape::SHARE; first += Shape::AT_ONCE) {
        if (begin + first * 16 >= stop) break;
        unsigned v[Shape::AT_ONCE][4][COLUMNS / 2];
        if (hasColumns) {
#pragma unroll
            for (int i = 0; i < Shape::AT_ONCE; i++) fetch<T, DIM, TILES, COLUMNS>(a, t, begin + (first + i) * 16, v[i], broken);
        }
#pragma unroll
        for (int i = 0; i < Shape::AT_ONCE; i++) {
            int chunk = first + i;
            if (chunk % 2 == 0) {
                if (begin + chunk * 16 >= stop) break;
                float next0 = max(sums.most[0], steps0[chunk / 2]), next1 = max(sums.most[1], steps1[chunk / 2]);
                sums.scale(expf(sums.most[0] - baseOf(next0)), expf(sums.most[1] - baseOf(next1)));
                sums.most[0] = next0;
                sums.most[1] = next1;
            }
            if (hasColumns) weigh<T, DIM, TILES, COLUMNS>(t, t.weights + chunk * 16, v[i], sums);
        }
    }
}

/** What the splits of a row come to so far. */
struct Past {
    float most, sum;
};

/**
 * A split of a row is done. With several, what they come to so far waits in the row's place of the output: each lane has its own columns, and comes back to
 * them once in SPLIT positions.
 */
template <class Shape, int COLUMNS>
__device__ inline void finish(const Args& a, const Shape& t, const Sums<COLUMNS>& sums, int i, Past& past, int begin, int split, int unit) {
    int end = i == 0 ? t.end0 : t.end1, row = i == 0 ? t.row0 : t.row1, of = row / t.group, head = t.firstHead + row % t.group;
    if (end <= begin) return;
    bool whole = split < 0, first = !whole || begin == 0;
    float* to = whole ? a.out + size_t(t.token + of) * a.outStride + size_t(head) * a.headDim
                      : a.partials + (size_t(unit + of * ((t.lastEnd + SPLIT - 1) / SPLIT) + split) * a.heads + head) * (a.headDim + 2);
    float most = sums.most[i], sum = sums.sum[2 * i], old = 0, add = 1;
    if (!first) {
        float greater = max(past.most, most);
        old = expf(past.most - baseOf(greater));
        add = expf(most - baseOf(greater));
        sum = merged(old, past.sum, add, sum);
        most = greater;
    }
    past.most = most;
    past.sum = sum;
    bool last = whole && end <= begin + SPLIT;
#pragma unroll
    for (int n = 0; n < 2; n++) {
        int column = (t.share * 8 + 2 * t.quarter + n) * COLUMNS;
        if (column >= a.headDim) continue;
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            float v = sums.values[j][2 * i + n];
            if (!first) v = merged(old, to[column + j], add, v);
            to[column + j] = last ? v / sum + 0.0f : v;  // + 0: a zero has one sign, whatever was added to it
        }
    }
    if (!whole && t.share == 0 && t.quarter == 0) {
        to[a.headDim] = most;
        to[a.headDim + 1] = sum;
    }
}

/** A tile, over all splits or over one, whose partials go to units from `unit` on, as many for each token as its last one has splits. */
template <class T, int DIM, int TILES> __device__ void attend(const Args& a, unsigned char* memory, int token, int tokens, int split, int unit) {
    using Shape = Tile<T, DIM, TILES>;
    Shape t(a, memory, token, tokens);
    t.load(a);
    int slot = a.step.tokenSlot(token);
    int first = split < 0 ? 0 : split * SPLIT, last = split < 0 ? t.lastEnd : min(t.lastEnd, first + SPLIT);
    Past past[2] = {{0, 0}, {0, 0}};
    Sums<Shape::COLUMNS> sums;
    for (int begin = first; begin < last; begin += SPLIT) {
        int end = min(begin + SPLIT, last), broken = INT32_MAX;
        if (begin != first) __syncthreads();  // the places of the split before are read no more
        t.find(a, slot, begin);
        __syncthreads();
        sums.clear();
        for (int p = begin; p < end; p += Shape::ROUND) turn(a, t, p, min(end, t.tileEnd), sums, broken);
        if (t.firstEnd < t.lastEnd) {
            for (int other = 16; other > 0; other >>= 1) broken = min(broken, __shfl_xor_sync(ALL_LANES, broken, other));
            if (t.end0 > broken) sums.sum[0] = __int_as_float(0x7fc00000);
            if (t.end1 > broken) sums.sum[2] = __int_as_float(0x7fc00000);
        }
        finish(a, t, sums, 0, past[0], begin, split, unit);
        finish(a, t, sums, 1, past[1], begin, split, unit);
    }
}

}  // namespace tensor_attention

using TensorAttentionArgs = tensor_attention::Args;

/** One block. The order of the lists shows in no result. */
extern "C" __global__ void __launch_bounds__(BLOCK) skald_attention_plan(TensorAttentionArgs a) {
    using namespace tensor_attention;
    __shared__ int counts[3];
    Plan plan(a);
    if (threadIdx.x < 3) counts[threadIdx.x] = 0;
    __syncthreads();
    int sequences = a.step.batch[1], each = 4 * TILE / a.group;
    for (int s = threadIdx.x; s < sequences; s += BLOCK) {
        int first = sequenceOffset(a.step, s), tokens = sequenceOffset(a.step, s + 1) - first;
        if (tokens == 0) continue;
        int splits = (a.step.position(first + tokens - 1) + SPLIT) / SPLIT, unit = -1;
        if (tokens * a.group > TILE) {
            int at = atomicAdd(&counts[0], (tokens + each - 1) / each);
            for (int i = 0; i < tokens; i += each) plan.many[at++] = int2{first + i, min(each, tokens - i)};
        } else {
            if (splits > 1) unit = atomicAdd(&counts[2], tokens * splits);
            if (unit + tokens * splits > a.units) unit = -1;
            int at = atomicAdd(&counts[1], unit < 0 ? 1 : splits);
            if (unit < 0) plan.few[at] = int4{first, tokens, -1, 0};
            else for (int i = 0; i < splits; i++) plan.few[at++] = int4{first, tokens, i, unit};
        }
        for (int i = 0; i < tokens; i++) plan.firstUnit[first + i] = unit < 0 ? -1 : unit + i * splits;
    }
    __syncthreads();
    if (threadIdx.x < 3) plan.counts[threadIdx.x] = counts[threadIdx.x];
}
SKALD_KERNEL(skald_attention_plan)

/** What the splits of a token and head come to; grid (token, head). */
extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_attention_join(TensorAttentionArgs a) {
    using namespace tensor_attention;
    int t = blockIdx.x, head = blockIdx.y;
    if (t >= a.step.tokens()) return;
    int unit = Plan(a).firstUnit[t];
    if (unit < 0) return;
    int splits = (a.step.position(t) + SPLIT) / SPLIT, width = a.headDim + 2;
    const float* from = a.partials + (size_t(unit) * a.heads + head) * width;
    float* out = a.out + size_t(t) * a.outStride + size_t(head) * a.headDim;
    for (int d = threadIdx.x; d < a.headDim; d += BLOCK) {
        float total = from[d], most = from[a.headDim], sum = from[a.headDim + 1];
        for (int i = 1; i < splits; i++) {
            const float* next = from + size_t(i) * a.heads * width;
            float greater = max(most, next[a.headDim]), old = expf(most - baseOf(greater)), add = expf(next[a.headDim] - baseOf(greater));
            total = merged(old, total, add, next[d]);
            sum = merged(old, sum, add, next[a.headDim + 1]);
            most = greater;
        }
        out[d] = total / sum + 0.0f;
    }
}
SKALD_KERNEL(skald_attention_join)

// few: grid (as many as the card runs at once, kv head, group of heads); many: grid (tiles at most, kv head, group of heads).
#define TENSOR_ATTENTION(T, NAME, DIM)                                                                                      \
    extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_attention_few_##NAME##_##DIM(TensorAttentionArgs a) {      \
        SKALD_DYNAMIC_SHARED(unsigned char, memory);                                                                        \
        tensor_attention::Plan plan(a);                                                                                     \
        for (int i = blockIdx.x; i < plan.counts[1]; i += gridDim.x) {                                                      \
            int4 item = plan.few[i];                                                                                        \
            __syncthreads();                                                                                                \
            tensor_attention::attend<T, DIM, 1>(a, memory, item.x, item.y, item.z, item.w);                                 \
        }                                                                                                                   \
    }                                                                                                                       \
    SKALD_KERNEL(skald_attention_few_##NAME##_##DIM)                                                                        \
    extern "C" __global__ void __launch_bounds__(BLOCK, 2) skald_attention_many_##NAME##_##DIM(TensorAttentionArgs a) {     \
        SKALD_DYNAMIC_SHARED(unsigned char, memory);                                                                        \
        tensor_attention::Plan plan(a);                                                                                     \
        if (int(blockIdx.x) >= plan.counts[0]) return;                                                                      \
        int2 tile = plan.many[blockIdx.x];                                                                                  \
        tensor_attention::attend<T, DIM, 4>(a, memory, tile.x, tile.y, -1, 0);                                              \
    }                                                                                                                       \
    SKALD_KERNEL(skald_attention_many_##NAME##_##DIM)
#define TENSOR_ATTENTION_DIMS(T, NAME) TENSOR_ATTENTION(T, NAME, 32) TENSOR_ATTENTION(T, NAME, 64) TENSOR_ATTENTION(T, NAME, 128)
TENSOR_ATTENTION_DIMS(__half, f16)
TENSOR_ATTENTION_DIMS(__nv_bfloat16, bf16)
