//! What a coordinate is: latitude, longitude, time, vertical, or anything else.

use rangefold_refs::{AttributeValue, ManifestArray};

use crate::TimeUnits;

/// What an axis is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Degrees east.
    Longitude,
    /// Degrees north.
    Latitude,
    /// Projected or rotated, eastwards.
    X,
    /// Projected or rotated, northwards.
    Y,
    /// Time.
    Time,
    /// Height, depth, pressure, level.
    Vertical {
        /// Whether larger values lie lower.
        down: bool,
    },
    /// Anything else.
    #[default]
    Other,
}

/// The attributes that tell what a coordinate is, each empty if absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleAttributes<'a> {
    /// `standard_name`.
    pub standard_name: &'a str,
    /// `units`.
    pub units: &'a str,
    /// `axis`.
    pub axis: &'a str,
    /// `positive`.
    pub positive: &'a str,
}

impl<'a> RoleAttributes<'a> {
    /// Those of `array`.
    #[must_use]
    pub fn of(array: &'a ManifestArray) -> Self {
        let text = |name| array.attributes.get(name).and_then(AttributeValue::as_text).unwrap_or_default();
        Self {
            standard_name: text("standard_name"),
            units: text("units"),
            axis: text("axis"),
            positive: text("positive"),
        }
    }
}

impl Role {
    /// By `standard_name`, `units`, `axis` and `positive`.
    ///
    /// Spec: CF conventions 1.11, chapter 4 "Coordinate Types".
    #[must_use]
    pub fn of_attributes(attributes: RoleAttributes<'_>) -> Self {
        let RoleAttributes { standard_name, units, axis, positive } = attributes;
        let pressure = matches!(units, "Pa" | "hPa" | "kPa" | "mbar" | "millibar" | "mb" | "bar" | "dbar");
        let downwards = positive.eq_ignore_ascii_case("down");
        let vertical = Self::Vertical {
            down: downwards || positive.is_empty() && (pressure || standard_name == "depth"),
        };
        match standard_name {
            "longitude" => return Self::Longitude,
            "latitude" => return Self::Latitude,
            "projection_x_coordinate" | "grid_longitude" | "projection_x_angular_coordinate" => {
                return Self::X;
            }
            "projection_y_coordinate" | "grid_latitude" | "projection_y_angular_coordinate" => {
                return Self::Y;
            }
            "time" => return Self::Time,
            "air_pressure" | "height" | "altitude" | "depth" | "model_level_number" => return vertical,
            _ => {}
        }
        if TimeUnits::is_time(units) {
            return Self::Time;
        }
        match units.to_ascii_lowercase().replace("degrees", "degree").replace('_', "").as_str() {
            "degreeeast" | "degreee" => return Self::Longitude,
            "degreenorth" | "degreen" => return Self::Latitude,
            _ => {}
        }
        match axis {
            "X" => Self::X,
            "Y" => Self::Y,
            "T" => Self::Time,
            "Z" => vertical,
            _ if pressure || !positive.is_empty() => vertical,
            _ => Self::Other,
        }
    }

    /// By the usual name of a dimension whose coordinate tells nothing, or that has none.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "lon" | "longitude" => Self::Longitude,
            "lat" | "latitude" => Self::Latitude,
            "x" | "rlon" => Self::X,
            "y" | "rlat" => Self::Y,
            "time" => Self::Time,
            "depth" | "plev" => Self::Vertical { down: true },
            "lev" | "level" | "height" | "altitude" => Self::Vertical { down: false },
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_follow_the_conventions() {
        let role = |units, standard_name, positive| {
            Role::of_attributes(RoleAttributes { units, standard_name, positive, ..Default::default() })
        };
        assert_eq!(role("degrees_north", "", ""), Role::Latitude);
        assert_eq!(role("degreeE", "", ""), Role::Longitude);
        assert_eq!(role("degrees", "grid_longitude", ""), Role::X);
        assert_eq!(role("hPa", "", ""), Role::Vertical { down: true });
        assert_eq!(role("m", "", "up"), Role::Vertical { down: false });
        assert_eq!(role("days since 2000-01-01", "", ""), Role::Time);
        assert_eq!(role("1", "", ""), Role::Other);
    }
}
