/** Thrown for bytes that are no HTTP/1.1, or that two readers might take for different messages. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}
