// The files of a bundle, fetched, and refused where they are not whole.

const UTF_8 = new TextEncoder();

// Fetches the manifest at `address`, and refuses one of another format or that was altered.
export async function read(address) {
  const place = new URL(address, globalThis.document?.baseURI);
  const text = await (await fetched(place)).text();
  const manifest = JSON.parse(text);
  if (manifest.format_version !== 1)
    throw new Error(
      `${address} is of format version ${manifest.format_version}, and this reader knows ` +
        "version 1. Take the edgerec.js that belongs to the exporter.",
    );
  const before = UTF_8.encode(text.slice(0, text.lastIndexOf(' "checksum":')));
  if (manifest.checksum && (await digest(before)) !== manifest.checksum)
    throw new Error(`${address} was altered or damaged. Copy the files again.`);
  return { manifest, place };
}

// Fetches a file that the manifest at `address` describes, and refuses another.
export async function whole({ file, bytes, sha256 }, place, address) {
  if (!/^[^/\\]+\.(onnx|ids)$/.test(file))
    throw new Error(`${address} names ${file}, which is no file beside it. Export again.`);
  const buffer = await (await fetched(new URL(encodeURIComponent(file), place))).arrayBuffer();
  if (buffer.byteLength !== bytes || (await digest(buffer)) !== sha256)
    throw new Error(`${file} is not the file that ${address} describes. Copy both again.`);
  return buffer;
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address.pathname} is not there (HTTP ${response.status}).`);
  return response;
}

async function digest(buffer) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
