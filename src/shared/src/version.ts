/** Version of all four programs; they are released together. */
export const VERSION = "0.1.0";
