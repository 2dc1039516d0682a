// SPDX-License-Identifier: Apache-2.0
//
// Resources: components and services of a machine, whoever implements them: this program, a module
// in another process, or another machine. Callers see one interface per API; a resource whose API
// this program does not know is a ForeignResource and is only reachable byte for byte.
//
// Thread rule: every method may be called from any number of threads at once.
// Life: the graph and calls in flight hold a resource; a rebuilt resource replaces the old one,
// which is closed by its destructor when the last call on it ends. That is why handles are
// shared_ptr.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "image/picture.h"
#include "image/point_cloud.h"
#include "infer/model.h"
#include "machine/name.h"
#include "nlohmann/json.hpp"
#include "vision/detection.h"

namespace google::protobuf {
class DescriptorPool;
}
namespace grpc {
class Channel;
}

namespace bowerbird::machine {

using Json = nlohmann::json;

class Resource {
 public:
  virtual ~Resource() = default;

  // A free-form call. Default: UNKNOWN "DoCommand unimplemented", as the reference machine answers.
  virtual absl::StatusOr<Json> DoCommand(const Context& context, const Json& command);

  // A free-form status object. Default: {}.
  virtual absl::StatusOr<Json> GetStatus(const Context& context);

  // StopAll reaches every resource; things that move override it. Default: OK.
  virtual absl::Status Stop(const Context& context);

  // Whether it stays in use, with the error in its status, where its replacement cannot be built.
  // Default: false, what runs is what the config says.
  virtual bool OutlivesFailure() const { return false; }

  // Whether what it was made from, such as a file, is another now. Asked when a config is applied
  // that leaves its entry as it is; must be quick. Default: false.
  virtual bool Outdated() const { return false; }
};

// A resource that lives in a module or on another machine. Calls are forwarded by (service, name).
// Known APIs come as classes that derive from both their interface (Camera, ...) and this one.
class ForeignResource : public virtual Resource {
 public:
  // Never null; may be disconnected.
  virtual std::shared_ptr<grpc::Channel> channel() const = 0;
  // The resource's name over there.
  virtual const std::string& remote_name() const = 0;
  // The gRPC service of its API: "acme.component.widget.v1.WidgetService".
  virtual const std::string& proto_service() const = 0;
  // Whether a method of it, "Turn", is known to take one message and answer with one. Default:
  // none.
  virtual bool IsUnary(const std::string& method) const {
    (void)method;
    return false;
  }
  // The files that describe the service and its messages; null where its server does not tell.
  virtual std::shared_ptr<const google::protobuf::DescriptorPool> files() const { return nullptr; }
};

struct Annotation {
  std::string label;
  std::optional<double> confidence;
  std::optional<vision::NormalizedBox> box;  // none: it concerns the whole picture
};

struct NamedImage {
  std::string source_name;
  std::shared_ptr<const image::Picture> picture;  // shared with the camera's cache; never null
  std::vector<Annotation> annotations;
};

struct CameraImages {
  std::vector<NamedImage> images;
  std::chrono::system_clock::time_point captured_at;
};

struct CameraProperties {
  bool supports_pcd = false;
  std::optional<image::Intrinsics> intrinsics;
  std::optional<image::Distortion> distortion;
  std::vector<std::string> mime_types;
  std::optional<float> frame_rate;  // per second
};

class Camera : public virtual Resource {
 public:
  static inline const Api& kApi = kCameraApi;

  // `filter_source_names` empty: all. Unknown names: INVALID_ARGUMENT "invalid source name".
  // Never an empty list with OK, except from cameras of modules. `extra` is the caller's free-form
  // object.
  virtual absl::StatusOr<CameraImages> GetImages(
      const Context& context, const std::vector<std::string>& filter_source_names,
      const Json& extra) = 0;
  virtual absl::StatusOr<CameraProperties> GetProperties(const Context& context) = 0;
  // PCD bytes. Default: UNIMPLEMENTED.
  virtual absl::StatusOr<std::string> GetPointCloud(const Context& context, const Json& extra);
};

class Sensor : public virtual Resource {
 public:
  static inline const Api& kApi = kSensorApi;
  // An object: reading name -> value.
  virtual absl::StatusOr<Json> GetReadings(const Context& context, const Json& extra) = 0;
};

class GenericComponent : public virtual Resource {
 public:
  static inline const Api& kApi = kGenericComponentApi;
};

class GenericService : public virtual Resource {
 public:
  static inline const Api& kApi = kGenericServiceApi;
};

class MlModel : public virtual Resource {
 public:
  static inline const Api& kApi = kMlModelApi;
  // Lives as long as this resource.
  virtual const infer::Model& model() const = 0;
  // The label under which phases are counted in the metrics: the resource's name.
  virtual const std::string& metrics_label() const = 0;
};

struct VisionProperties {
  bool classifications = false, detections = false, object_point_clouds = false;
  std::string default_camera;
};

struct CaptureAllOptions {
  bool image = false, classifications = false, detections = false, object_point_clouds = false;
};

struct PointCloudObject {
  std::string pcd;
  std::string label;
  std::string reference_frame;
};

struct CaptureAll {
  std::optional<NamedImage> image;
  std::vector<vision::Detection> detections;
  std::vector<vision::Classification> classifications;
  std::vector<PointCloudObject> objects;
  image::Size size;  // of the picture, for normalised boxes
  Json extra;  // object; built-in services report {"milliseconds": {phase: time}} of this call
};

struct Detections {
  std::vector<vision::Detection> detections;
  image::Size size;  // of the picture
};

class Vision : public virtual Resource {
 public:
  static inline const Api& kApi = kVisionApi;

  virtual absl::StatusOr<Detections> GetDetections(const Context& context,
                                                   const image::Picture& picture,
                                                   const Json& extra) = 0;
  // `camera_name` empty: the default camera.
  virtual absl::StatusOr<Detections> GetDetectionsFromCamera(const Context& context,
                                                             const std::string& camera_name,
                                                             const Json& extra) = 0;
  // n <= 0: all, in model order; else the n best, best first.
  virtual absl::StatusOr<std::vector<vision::Classification>> GetClassifications(
      const Context& context, const image::Picture& picture, int n, const Json& extra) = 0;
  virtual absl::StatusOr<std::vector<vision::Classification>> GetClassificationsFromCamera(
      const Context& context, const std::string& camera_name, int n, const Json& extra) = 0;
  virtual absl::StatusOr<std::vector<PointCloudObject>> GetObjectPointClouds(
      const Context& context, const std::string& camera_name, const Json& extra) = 0;
  virtual absl::StatusOr<VisionProperties> GetProperties(const Context& context) = 0;
  // One frame for everything.
  virtual absl::StatusOr<CaptureAll> CaptureAllFromCamera(const Context& context,
                                                          const std::string& camera_name,
                                                          const CaptureAllOptions& options,
                                                          const Json& extra) = 0;
};

struct DiscoveredResource {
  ResourceName name;
  ModelName model;
  Json attributes;  // object, ready to be put into a config
};

class Discovery : public virtual Resource {
 public:
  static inline const Api& kApi = kDiscoveryApi;
  virtual absl::StatusOr<std::vector<DiscoveredResource>> DiscoverResources(const Context& context,
                                                                            const Json& extra) = 0;
};

// A file that a caller hands over for datasets.
struct BinaryUpload {
  std::string bytes;
  std::vector<std::string> tags;
  std::vector<std::string> dataset_ids;
  std::string file_extension;  // with its dot, or ""
};

// The data manager's own calls; capture itself is built in the room `capture`.
class DataManager : public virtual Resource {
 public:
  static inline const Api& kApi = kDataManagerApi;
  virtual absl::Status Sync(const Context& context, const Json& extra) = 0;
  // OK as soon as the file is safe on this machine; it is sent now, or as soon as that is possible.
  // Default: UNIMPLEMENTED.
  virtual absl::Status UploadBinaryToDatasets(const Context& context, const BinaryUpload& upload);
};

}  // namespace bowerbird::machine
