/**
 * What the demonstration's model needs beside numpy.
 *
 * @module
 */

/**
 * The packages of `examples/demo_models/read_text`, as `setUpTriton` takes them (about 90 MB). The one that
 * carries the networks is installed alone: it asks for the OpenCV that needs a display's libraries,
 * and works with the one that does not. That one is held at its last version for numpy 1, or pip would
 * download every later version to see whether it fits.
 */
export const DEMO_PACKAGES = {
  packages: [
    "onnxruntime",
    "opencv-python-headless<4.12",
    "pillow",
    "pyclipper",
    "pyyaml",
    "shapely",
    "six",
    "tqdm",
  ],
  packagesAlone: ["rapidocr-onnxruntime==1.4.4"],
} as const;
