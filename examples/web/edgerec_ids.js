// Ids as the graph takes them: exact integers, and hashes of very many strings.

const UTF_8 = new TextEncoder();

// FNV-1a of the id in UTF-8, 63 bits of it; what nobody is called stays the padding id.
export function hashed(id, seed) {
  if (id === "") return -(2n ** 63n);
  let number = BigInt.asUintN(64, 14695981039346656037n + BigInt(seed));
  for (const byte of UTF_8.encode(id))
    number = BigInt.asUintN(64, (number ^ BigInt(byte)) * 1099511628211n);
  return number >> 1n;
}

// An integer of 64 bits; a number of JavaScript above 2^53 would be another one.
export function exact(id) {
  if (typeof id === "number" && !Number.isSafeInteger(id))
    throw new Error(`${id} is no exact id. Pass ids above 2^53 as strings or BigInts.`);
  return BigInt(id);
}
